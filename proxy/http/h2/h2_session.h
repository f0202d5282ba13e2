// SPDX-License-Identifier: Apache-2.0
// HTTP/2 on one connection (RFC 9113), sans-IO: bytes in, events and bytes out,
// no socket and no clock. Frames, HPACK, windows and the states of streams are
// nghttp2's; what may stand in a message, how much of it, and how much useless
// work a peer may make are judged here. This is what both roles have in common;
// H2ServerSession speaks to clients and H2OriginSession to origins.
//
// Events are told from within feed(), and those that speak of output from within
// output() and submitData() too. An observer may call everything but feed(),
// output() and sent() from there, for any stream. It must not destroy the
// session. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "diagnostics/observation.h"
#include "diagnostics/redaction.h"
#include "proxy/http/h2/h2_code.h"
#include "proxy/http/h2/h2_fields.h"
#include "proxy/http/h2/h2_flood_guard.h"
#include "proxy/http/h2/h2_frame.h"
#include "proxy/http/h2/h2_stream.h"
#include "proxy/http/h2/h2_stream_log.h"

struct nghttp2_session;

namespace gatewhy {

// Nothing more is told of a stream that was released.
class H2Observer {
 public:
  // Not empty. What the observer has used up it gives back with consume().
  virtual void onBody(H2StreamId stream, std::string_view data) = 0;
  // The peer's message is whole. Trailers are "name: value\r\n" each, as of a
  // chunked body; "" = none. Not told where its head said `ends`.
  virtual void onEnd(H2StreamId stream, std::string_view trailers) = 0;
  // The peer gives the stream up (RST_STREAM, or GOAWAY below its id).
  virtual void onReset(H2StreamId stream, const StreamFault& fault) = 0;
  // The peer broke the stream, which has been reset: more or less body than
  // Content-Length says, malformed trailers, frames that its state does not allow.
  virtual void onStreamFault(H2StreamId stream, const Fault& fault) = 0;
  // All that was submitted for the stream is in the output, after it was not.
  virtual void onWritable(H2StreamId stream) = 0;
  // The peer has sent GOAWAY.
  virtual void onGoAway(const StreamFault& fault) = 0;
  virtual void onPong(std::uint64_t opaque) = 0;
  // The connection is over: output() ends with GOAWAY, nothing is read any
  // more. The streams end with it; nothing more is told of them.
  virtual void onConnectionFault(const StreamFault& fault) = 0;
  // What evidence must not show.
  [[nodiscard]] virtual const Redaction& redaction() = 0;

 protected:
  ~H2Observer() = default;
};

// What there is of a body for the next DATA frame.
struct H2BodyRead {
  enum class What : std::uint8_t { Nothing, NoRoom, Gone, Some, Last, LastBeforeTrailers };
  What what = What::Nothing;
  std::size_t size = 0;
};

class H2Session {
 public:
  enum class State : std::uint8_t {
    Open,
    Draining,  // GOAWAY has been sent or received: no new streams
    Over,      // nothing more is read; output() may have a GOAWAY left
  };

  virtual ~H2Session();
  H2Session(const H2Session&) = delete;
  H2Session& operator=(const H2Session&) = delete;

  // All bytes are used. False: the session is over, and the observer knows why.
  [[nodiscard]] bool feed(std::string_view bytes, H2Instant now);
  // What is asked for from here on happens at that time.
  void at(H2Instant now) { now_ = now; }

  // What is to be sent next; "" where there is nothing. At most about 80 KiB
  // are prepared at a time. Valid until the next call of anything here.
  [[nodiscard]] std::string_view output();
  void sent(std::size_t size);  // so much of output() is
  [[nodiscard]] bool hasOutput() const;

  // ---- our messages; unknown and closed streams are ignored ----

  // What does not fit the output and the windows now is kept: the caller waits
  // for onWritable() where blocked() says so.
  // `ends`: it is the last; END_STREAM goes with it.
  void submitData(H2StreamId stream, std::string_view data, bool ends);
  // Trailers are lines as of HTTP/1.1, "Name: value\r\n" each; "" = none.
  void submitEnd(H2StreamId stream, std::string_view trailers);
  void reset(H2StreamId stream, H2Code code);

  // ---- flow ----

  // So many bytes of the body need no room any more: the windows open by them.
  void consume(H2StreamId stream, std::size_t size);
  [[nodiscard]] bool blocked(H2StreamId stream) const;      // some of submitData() is kept here
  [[nodiscard]] std::size_t kept(H2StreamId stream) const;  // so many bytes
  // It is a window of the peer that is closed, the stream's or the connection's; of 0, the latter.
  [[nodiscard]] bool windowClosed(H2StreamId stream) const;
  // A window of ours is closed, the stream's or the connection's: the peer may send no body.
  [[nodiscard]] bool holdsBack(H2StreamId stream) const;
  // Some of submitData() is kept here, and that is why. Of a stream that was
  // reset: was, until then.
  [[nodiscard]] std::optional<H2ClosedWindow> closedWindow(H2StreamId stream) const;
  // Body bytes in the output so far: what grows, moves.
  [[nodiscard]] std::uint64_t bodySent(H2StreamId stream) const;
  // Nothing more is done for the stream here or on its other side: its place is
  // free. One that is still open is reset (CANCEL).
  void release(H2StreamId stream);

  // ---- connection ----

  // GOAWAY: no new streams, those that are open go on (RFC 9113 section 6.8).
  void closeToNewStreams();
  // The owner's verdict: a GOAWAY with its code, and over. The observer is told.
  void fail(const StreamFault& fault);
  void ping(std::uint64_t opaque);
  [[nodiscard]] State state() const { return state_; }
  // Nothing more will come or go, so that the connection is to be closed: its
  // fault has been sent, or GOAWAY was sent or received and no stream is open.
  [[nodiscard]] bool done() const;
  [[nodiscard]] std::size_t streams() const { return streams_.size(); }  // that are not released
  [[nodiscard]] std::size_t memory() const;                              // bytes kept of bodies and output
  [[nodiscard]] std::uint64_t produced() const { return produced_; }     // bytes of output in all

 protected:
  enum class Role : std::uint8_t { Server, Client };
  // Of a block of fields that comes.
  enum class Block : std::uint8_t { Head, Trailers, Ignored };
  struct Limits {
    std::uint32_t header_list = 0;  // octets of names and values, and 32 for each field (RFC 9113 section 6.5.2)
    std::uint32_t trailers = 0;     // octets of a trailer section, written as lines
  };

  H2Session(Role role, const Limits& limits, H2Observer& observer);

  // Before anything is done about a frame: breakConnection() says what is wrong.
  virtual void judge(const H2FrameHead& frame) = 0;
  virtual void watch(std::string_view /*payload*/) {}  // octets of the frame's payload, all of them in turn
  // A block of fields that opens a stream. False: it is refused, and ignored.
  [[nodiscard]] virtual bool beginStream(H2StreamId /*id*/) { return false; }
  virtual void beginHead(H2StreamId id) = 0;
  virtual void takeHeadField(std::string_view name, std::string_view value) = 0;
  virtual void endHead(H2StreamId id, bool ends) = 0;
  virtual void takeSettings() {}
  virtual void afterGoAway(const StreamFault& /*fault*/) {}
  // Whether the observer still waits to hear how the stream fails.
  [[nodiscard]] virtual bool isAwaited(const H2Stream& stream) const = 0;
  // All of the peer's message has come but END_STREAM, and RST_STREAM(NO_ERROR) does as well.
  [[nodiscard]] virtual bool isWholeWithoutEnd(const H2Stream& /*stream*/) const { return false; }
  virtual void onEndSent(H2StreamId /*id*/, H2Stream& /*stream*/) {}
  // So much body came that nobody waits for. The connection's window has it again, the stream's has not.
  virtual void onDropped(H2StreamId /*id*/, std::size_t /*size*/) {}
  virtual void onEndDropped(H2StreamId /*id*/) {}  // such a body has ended, or was given up
  // The peer's message has ended before its Content-Length was there. True: its stream goes on.
  [[nodiscard]] virtual bool bearsShortEnd(H2StreamId /*id*/, H2Stream& /*stream*/, const ParseFault& /*fault*/) {
    return false;
  }
  virtual void tellFinished(H2StreamId id) = 0;
  virtual void onProvokedReset() {}  // a stream is reset for what the peer did
  virtual void onConsumed(H2StreamId /*id*/, H2Stream& /*stream*/) {}
  virtual void restReaders() {}  // gives back memory that only a head needs

  [[nodiscard]] H2Stream* find(H2StreamId id);
  [[nodiscard]] const H2Stream* find(H2StreamId id) const;
  void submitReset(H2StreamId id, H2Code code);
  void overStream(H2StreamId id, H2Stream& stream);
  void breakStream(H2StreamId id, H2Stream& stream, H2Code code, const Fault& fault);
  void breakConnection(H2Code code, std::string_view detail);
  void produce();  // what nghttp2 has to say goes to the output
  void onFlood(const H2FloodGuard::Verdict& verdict);
  [[nodiscard]] StreamFault protocolFault(H2StreamId id, std::uint32_t code) const;
  [[nodiscard]] StreamFault saidFault(StreamFault::How how, std::uint32_t code) const;

  struct Delete {
    void operator()(nghttp2_session* session) const;
  };
  std::unique_ptr<nghttp2_session, Delete> session_;
  State state_ = State::Open;
  H2Instant now_{};
  std::unordered_map<H2StreamId, H2Stream> streams_;  // that are not released
  H2FrameScanner scanner_;
  H2FrameHead frame_;        // that comes
  std::string_view behind_;  // its head; while it is judged: what else has come
  H2StreamLog log_;
  H2FloodGuard guard_;
  H2FieldList fields_;                  // of a block that goes out
  std::unique_ptr<StreamFault> fault_;  // of the connection

 private:
  friend class H2Callbacks;
  enum class Activity : std::uint8_t { None, Receiving, Sending, Announcing };
  // What is told when nghttp2 has returned.
  struct Notice {
    enum class Kind : std::uint8_t { Writable, Finished, Broken, Unsent };
    Kind kind = Kind::Writable;
    H2StreamId stream = 0;
    std::unique_ptr<StreamFault> fault;  // Broken, Unsent
  };

  // Receiving
  void take(std::string_view segment);
  [[nodiscard]] bool takeFrameHead(const H2FrameHead& frame, std::string_view behind);
  void beginBlock(H2StreamId id, bool opens);
  void takeField(std::string_view name, std::string_view value);
  void endBlock(H2StreamId id, bool ends);
  void endTrailers(H2StreamId id, bool ends);
  void takeBody(H2StreamId id, std::string_view data);
  void endData(H2StreamId id, bool ends);
  void takePing(bool ack, const std::uint8_t* opaque);
  void takeReset(H2StreamId id, std::uint32_t code);
  void takeGoAway(std::int32_t last, std::uint32_t code, std::string_view debug);
  void endMessage(H2StreamId id, H2Stream& stream, std::string_view trailers);
  void endDropped(H2StreamId id);
  void giveBack(H2StreamId id, const H2Stream& stream, std::size_t size);
  void noteOpenWindows();
  [[nodiscard]] std::optional<H2ClosedWindow> closedWindow(H2StreamId id, const H2Stream& stream) const;
  void noteInvalid(int error) { invalid_ = error; }

  // Sending
  [[nodiscard]] bool outputFull() const;
  [[nodiscard]] H2BodyRead readBody(H2StreamId id, std::size_t most);
  void sendBody(H2StreamId id, std::string_view frame_head, std::size_t size);
  void noteEndSent(H2StreamId id);
  void noteResetSent(H2StreamId id, std::uint32_t code);
  void noteGoAwaySent(std::uint32_t code, std::string_view reason);
  void noteReplySent();
  void noteNotSent(H2StreamId id, int error);
  void giveUp(Notice::Kind kind, H2StreamId id, H2Stream& stream, StreamFault fault);
  void wake(H2StreamId id, H2Stream& stream);
  void announce();
  void tell(Notice& notice);
  void end();  // by fault_
  void rest();

  const Role role_;
  const Limits limits_;
  H2Observer& observer_;
  Activity activity_ = Activity::None;
  bool moved_ = false;  // the frame brought something
  int invalid_ = 0;     // nghttp2's last error about a frame
  H2TrailerReader trailers_;
  Block block_ = Block::Ignored;
  std::uint64_t block_size_ = 0;  // unpacked

  std::string out_;
  std::size_t out_at_ = 0;  // so much of it is sent
  std::uint64_t produced_ = 0;
  H2Instant body_at_{};           // of the last DATA
  std::uint64_t reply_mark_ = 0;  // of what was produced, when replies were counted anew
  std::vector<Notice> notices_;
  bool goaway_sent_ = false;             // by nghttp2, which found it
  std::unique_ptr<StreamFault> goaway_;  // the peer's latest
};

}  // namespace gatewhy
