// SPDX-License-Identifier: Apache-2.0
// HTTP/2 with one client (RFC 9113), sans-IO: bytes in, events and bytes out,
// no socket and no clock. Frames, HPACK, windows and the states of streams are
// nghttp2's; what may stand in a message, how much of it, and how much useless
// work a client may make are judged here.
//
// Events are told from within feed(), and onWritable() and onFinished() from
// within output() and submitData() too. An observer may call everything but
// feed(), output() and sent() from there, for any stream. It must not destroy
// the session. One thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "diagnostics/observation.h"
#include "diagnostics/redaction.h"
#include "proxy/http/h2/h2_flood_guard.h"
#include "proxy/http/h2/h2_frame.h"
#include "proxy/http/h2/h2_request_reader.h"
#include "proxy/http/h2/h2_server_stream.h"
#include "proxy/http/h2/h2_stream_log.h"
#include "proxy/http/head_reader.h"
#include "proxy/http/message.h"

struct nghttp2_session;

namespace gatewhy {

using H2Instant = std::chrono::steady_clock::time_point;

// RFC 9113 section 7.
enum class H2Code : std::uint32_t {
  NoError = 0x0,
  ProtocolError = 0x1,
  InternalError = 0x2,
  FlowControlError = 0x3,
  SettingsTimeout = 0x4,
  StreamClosed = 0x5,
  FrameSizeError = 0x6,
  RefusedStream = 0x7,
  Cancel = 0x8,
  CompressionError = 0x9,
  ConnectError = 0xa,
  EnhanceYourCalm = 0xb,
  InadequateSecurity = 0xc,
  Http11Required = 0xd,
};

struct H2ServerSettings {
  std::uint32_t streams = 128;                 // SETTINGS_MAX_CONCURRENT_STREAMS
  std::uint32_t stream_window = 1U << 20;      // bytes that a client may send ahead on a stream …
  std::uint32_t connection_window = 1U << 20;  // … and on all of them together
  std::uint32_t header_list = 32 * 1024;  // octets of names and values, and 32 for each field (RFC 9113 section 6.5.2)
  std::uint32_t trailers = 16 * 1024;     // octets of a trailer section, written as lines
  HeadLimits head;                        // of a request, written as HTTP/1.1 would be
  bool extended_connect = true;           // RFC 8441
  bool https = false;                     // the connection is encrypted: the default port is 443
};

// What a request is beside its head.
struct H2RequestFacts {
  bool ends = false;     // there is no body: END_STREAM came with the head
  std::string protocol;  // :protocol of an extended CONNECT (RFC 8441); "" = none
};

// What becomes of a request that cannot be served as it came.
enum class H2Remedy : std::uint8_t {
  Answer,  // HTTP has a status for it: the observer answers, or resets the stream
  Reset,   // malformed (RFC 9113 section 8.1.1): the stream is reset already
};

// What there is of a body for the next DATA frame.
struct H2BodyRead {
  enum class What : std::uint8_t { Nothing, NoRoom, Gone, Some, Last, LastBeforeTrailers };
  What what = What::Nothing;
  std::size_t size = 0;
};

class H2ServerObserver {
 public:
  // A request. Its head is as if it had come by HTTP/1.1: an arena with a
  // request line, Host first (from :authority), crumbs of Cookie joined. The
  // observer may move it away. A body of unknown length is BodyKind::Chunked.
  // An extended CONNECT is written as the GET with Upgrade that asks for the
  // same in HTTP/1.1, with webSocketKey() where the protocol is "websocket".
  // The stream keeps its place among `streams` until release().
  virtual void onRequestHead(H2StreamId stream, RequestHead& head, const H2RequestFacts& facts) = 0;
  // `head` holds what was understood of it. With Remedy::Reset nothing more is
  // told of the stream, and release() is not called for it.
  virtual void onRequestFault(H2StreamId stream, RequestHead& head, const ParseFault& fault, H2Remedy remedy) = 0;
  // Not empty. What the observer has used up it gives back with consume().
  virtual void onBody(H2StreamId stream, std::string_view data) = 0;
  // The request is whole. Trailers are "name: value\r\n" each, as of a chunked
  // body; "" = none. Not told where the head's `ends` said so.
  virtual void onEnd(H2StreamId stream, std::string_view trailers) = 0;
  // The client gives the stream up (RST_STREAM, or GOAWAY below its id).
  virtual void onReset(H2StreamId stream, const StreamFault& fault) = 0;
  // The client broke the stream, which has been reset: more or less body than
  // Content-Length says, malformed trailers, frames that its state does not allow.
  virtual void onStreamFault(H2StreamId stream, const Fault& fault) = 0;
  // All that was submitted for the stream is in the output, after it was not.
  virtual void onWritable(H2StreamId stream) = 0;
  // The whole answer is in the output, END_STREAM included. Where the request
  // was not, RST_STREAM(NO_ERROR) follows it (RFC 9113 section 8.1).
  virtual void onFinished(H2StreamId stream) = 0;
  // The client will open no more streams.
  virtual void onGoAway(const StreamFault& fault) = 0;
  virtual void onPong(std::uint64_t opaque) = 0;
  // The connection is over: output() ends with GOAWAY, nothing is read any
  // more. The streams end with it; nothing more is told of them.
  virtual void onConnectionFault(const StreamFault& fault) = 0;
  // 24 characters for Sec-WebSocket-Key (RFC 6455 section 4.1).
  [[nodiscard]] virtual std::string webSocketKey() = 0;
  // What evidence must not show.
  [[nodiscard]] virtual const Redaction& redaction() = 0;

 protected:
  ~H2ServerObserver() = default;
};

class H2ServerSession {
 public:
  enum class State : std::uint8_t {
    Open,
    Draining,  // GOAWAY has been sent or received: no new streams
    Over,      // nothing more is read; output() may have a GOAWAY left
  };

  H2ServerSession(const H2ServerSettings& settings, H2ServerObserver& observer);
  ~H2ServerSession();
  H2ServerSession(const H2ServerSession&) = delete;
  H2ServerSession& operator=(const H2ServerSession&) = delete;

  // All bytes are used. False: the session is over, and the observer knows why.
  [[nodiscard]] bool feed(std::string_view bytes, H2Instant now);

  // What is to be sent next; "" where there is nothing. At most about 80 KiB
  // are prepared at a time. Valid until the next call of anything here.
  [[nodiscard]] std::string_view output();
  void sent(std::size_t size);  // so much of output() is
  [[nodiscard]] bool hasOutput() const;

  // ---- answers; unknown and closed streams are ignored ----

  // Fields are lines as of HTTP/1.1 ("Name: value\r\n" each, without a status
  // line): names are written in lower case, fields of the connection are left
  // out (RFC 9113 section 8.2.2).
  void submitInterim(H2StreamId stream, std::uint16_t status, std::string_view fields);
  void submitHead(H2StreamId stream, std::uint16_t status, std::string_view fields, bool ends);
  // What does not fit the output and the windows now is kept: the caller waits
  // for onWritable() where blocked() says so.
  // `ends`: it is the last; END_STREAM goes with it.
  void submitData(H2StreamId stream, std::string_view data, bool ends);
  void submitEnd(H2StreamId stream, std::string_view trailers);
  void reset(H2StreamId stream, H2Code code);

  // ---- flow ----

  // So many bytes of the body need no room any more: the windows open by them.
  void consume(H2StreamId stream, std::size_t size);
  [[nodiscard]] bool blocked(H2StreamId stream) const;      // some of submitData() is kept here
  [[nodiscard]] std::size_t kept(H2StreamId stream) const;  // so many bytes
  // It is a window of the client that is closed, the stream's or the connection's.
  [[nodiscard]] bool windowClosed(H2StreamId stream) const;
  // Body bytes in the output so far: what grows, moves.
  [[nodiscard]] std::uint64_t bodySent(H2StreamId stream) const;
  // Nothing more is done for the stream here or at its origin: its place is
  // free. One that is still open is reset (CANCEL).
  void release(H2StreamId stream);

  // ---- connection ----

  // GOAWAY in two steps (RFC 9113 section 6.8): announce, and when what was
  // under way has come (a round trip later) close to new streams.
  void announceShutdown();
  void closeToNewStreams();
  // The owner's verdict: a GOAWAY with its code, and over. The observer is told.
  void fail(const StreamFault& fault);
  void ping(std::uint64_t opaque);
  [[nodiscard]] State state() const { return state_; }
  // Nothing more will come or go, so that the connection is to be closed: its
  // fault has been sent, or GOAWAY was sent or received and no stream is open.
  [[nodiscard]] bool done() const;
  [[nodiscard]] std::size_t streams() const { return streams_.size(); }  // whose place is taken
  [[nodiscard]] std::size_t memory() const;                              // bytes kept of bodies and output
  [[nodiscard]] std::uint64_t produced() const { return produced_; }     // bytes of output in all

 private:
  friend class H2ServerCallbacks;
  struct Delete {
    void operator()(nghttp2_session* session) const;
  };
  enum class Activity : std::uint8_t { None, Receiving, Sending, Announcing };
  // A block of fields that comes.
  enum class Block : std::uint8_t { Request, Trailers, Ignored };
  // What is told when nghttp2 has returned.
  struct Notice {
    enum class Kind : std::uint8_t { Writable, Finished, Broken };
    Kind kind = Kind::Writable;
    H2StreamId stream = 0;
    std::unique_ptr<StreamFault> fault;  // Broken
  };

  // Receiving
  void take(std::string_view segment);
  [[nodiscard]] bool judge(const H2FrameHead& frame);
  void watchPriority(std::string_view payload);
  void beginBlock(H2StreamId id, bool request);
  void takeField(std::string_view name, std::string_view value);
  void endBlock(H2StreamId id, bool ends);
  void endHead(H2StreamId id, bool ends);
  void takeTurns(H2StreamId id);
  void endTrailers(H2StreamId id, bool ends);
  void takeBody(H2StreamId id, std::string_view data);
  void endData(H2StreamId id, bool ends);
  void takePing(bool ack, const std::uint8_t* opaque);
  void takeReset(H2StreamId id, std::uint32_t code);
  void takeGoAway(std::int32_t last, std::uint32_t code, std::string_view debug);
  void endRequest(H2StreamId id, H2ServerStream& stream, std::string_view trailers);
  void breakStream(H2StreamId id, H2ServerStream& stream, const Fault& fault);
  void noteInvalid(int error) { invalid_ = error; }

  // Sending
  void produce();
  [[nodiscard]] bool outputFull() const;
  [[nodiscard]] H2BodyRead readBody(H2StreamId id, std::size_t most);
  void sendBody(H2StreamId id, std::string_view frame_head, std::size_t size);
  void noteEndSent(H2StreamId id);
  void noteResetSent(H2StreamId id, std::uint32_t code);
  void noteGoAwaySent(std::uint32_t code, std::string_view reason);
  void noteReplySent();
  void noteNotSent(H2StreamId id, int error);
  void submitReset(H2StreamId id, H2Code code);
  void wake(H2StreamId id, H2ServerStream& stream);
  void announce();
  void tell(Notice& notice);

  void breakConnection(H2Code code, std::string_view detail);
  void onFlood(const H2FloodGuard::Verdict& verdict);
  [[nodiscard]] StreamFault faultOfFrame(StreamFault::How how, std::uint32_t code) const;
  [[nodiscard]] StreamFault protocolFault(H2StreamId id, std::uint32_t code) const;
  void end();  // by fault_
  void rest();
  [[nodiscard]] H2ServerStream* find(H2StreamId id);
  [[nodiscard]] const H2ServerStream* find(H2StreamId id) const;

  H2ServerSettings settings_;
  H2ServerObserver& observer_;
  std::unique_ptr<nghttp2_session, Delete> session_;
  State state_ = State::Open;
  Activity activity_ = Activity::None;
  H2Instant now_{};
  std::unordered_map<H2StreamId, H2ServerStream> streams_;  // whose place is taken

  H2FrameScanner scanner_;
  H2FrameHead frame_;             // that comes
  std::size_t payload_seen_ = 0;  // octets of it
  std::uint32_t dependency_ = 0;  // of a PRIORITY
  bool moved_ = false;            // the frame brought something
  int invalid_ = 0;               // nghttp2's last error about a frame
  H2StreamLog log_;
  H2FloodGuard guard_;
  H2RequestReader request_;
  H2TrailerReader trailers_;
  Block block_ = Block::Ignored;
  std::uint64_t block_size_ = 0;  // unpacked

  std::string out_;
  std::size_t out_at_ = 0;  // so much of it is sent
  std::uint64_t produced_ = 0;
  std::uint64_t reply_mark_ = 0;  // of what was produced, when replies were counted anew
  std::vector<Notice> notices_;
  std::unique_ptr<StreamFault> fault_;  // of the connection
  bool goaway_sent_ = false;            // by nghttp2, which found it
};

}  // namespace gatewhy
