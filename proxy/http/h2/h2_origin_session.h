// SPDX-License-Identifier: Apache-2.0
// HTTP/2 with one origin (RFC 9113), sans-IO, where we are the client: bytes in,
// events and bytes out, no socket and no clock. The sibling of H2ServerSession,
// and the same rules hold: events are told from within feed(), and onWritable()
// and onRequestSent() from within output() and submitData() too. An observer may
// call everything but feed(), output() and sent() from there, for any stream. It
// must not destroy the session. One thread.
//
// The preface and our SETTINGS are in output() at once. Requests may be opened
// before the origin's SETTINGS have come.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "diagnostics/observation.h"
#include "diagnostics/redaction.h"
#include "proxy/http/h2/h2_code.h"
#include "proxy/http/h2/h2_frame.h"
#include "proxy/http/head_reader.h"
#include "proxy/http/message.h"

namespace gatewhy {

using H2Instant = std::chrono::steady_clock::time_point;

struct H2OriginSettings {
  std::uint32_t streams = 100;  // at a time, where the origin allows more
  // Bytes that an origin may send ahead on a stream: at first, and at most where
  // they are used up as fast as they come. The latter fill a path of 50 ms.
  std::uint32_t stream_window = 256 * 1024;
  std::uint32_t most_stream_window = 4U << 20;
  // On all of them together. They are given back as they come, so that a stream
  // that is not read holds up no other.
  std::uint32_t connection_window = 16U << 20;
  std::uint32_t header_list = 64 * 1024;  // octets of names and values, and 32 for each field (RFC 9113 section 6.5.2)
  std::uint32_t trailers = 16 * 1024;     // octets of a trailer section, written as lines
  HeadLimits head;                        // of a response, written as HTTP/1.1 would be
};

// A request as HTTP/1.1 would send it, and what HTTP/2 has to know beside it.
// Nothing of it is referred to when openStream() has returned.
struct H2OriginRequest {
  // "GET /path HTTP/1.1\r\n", fields, empty line. Host becomes :authority;
  // fields of the connection are left out, and TE but for "trailers" (RFC 9113
  // section 8.2.2).
  std::string_view head;
  Method method = Method::Get;  // what the response may have follows from it
  bool https = false;           // :scheme
  bool ends = false;            // no body follows: END_STREAM goes with the head
  bool mend = false;            // the response's faults of tolerance.h are mended (strictness: report)
  // Not "": an extended CONNECT for that protocol (RFC 8441), of a head that
  // asks for it by Upgrade; only where extendedConnect(). A 2xx to it is told as
  // the 101 that HTTP/1.1 has for it, with `websocket_accept` for
  // Sec-WebSocket-Accept.
  std::string_view protocol;
  std::string_view websocket_accept;
};

// What the origin's SETTINGS say, or the defaults of RFC 9113 section 6.5.2.
struct H2PeerSettings {
  std::uint32_t header_table_size = 0;
  std::uint32_t max_concurrent_streams = 0;  // the largest number: no limit was given
  std::uint32_t initial_window_size = 0;
  std::uint32_t max_frame_size = 0;
  std::uint32_t max_header_list_size = 0;  // the largest number: no limit was given
  bool enable_connect_protocol = false;    // RFC 8441
};

class H2OriginObserver {
 public:
  // SETTINGS have come: room() and extendedConnect() may have changed.
  virtual void onSettings() = 0;
  // An interim response: 100, 103 and their like, never 101.
  virtual void onInterim(H2StreamId stream, ResponseHead& head) = 0;
  // The final response. Its head is as if it had come by HTTP/1.1: an arena with
  // a status line without a reason phrase; the observer may move it away. A body
  // of unknown length is BodyKind::Chunked, one that is not there is None where
  // the response cannot have one, else Length of 0. keep_alive means nothing.
  // `ends`: the response is whole, and onEnd() is not told. A 101: what follows
  // are the tunnel's bytes.
  virtual void onResponseHead(H2StreamId stream, ResponseHead& head, bool ends) = 0;
  // Not empty. What the observer has used up it gives back with consume().
  virtual void onBody(H2StreamId stream, std::string_view data) = 0;
  // The response is whole. Trailers are "name: value\r\n" each; "" = none.
  // The request may still be on its way: who wants no more of it releases the
  // stream.
  virtual void onEnd(H2StreamId stream, std::string_view trailers) = 0;

  // One of these two may be the last that is told of a stream; the stream is
  // over then, and waits for release(). Not told once the response is whole,
  // but for a tunnel.
  //
  // The origin gives the stream up: RST_STREAM, with any code; or GOAWAY with
  // a last stream below it (How::GoAway), or before it was sent (REFUSED_STREAM
  // by its meaning: it has not been processed).
  virtual void onReset(H2StreamId stream, const StreamFault& fault) = 0;
  // The origin broke the stream, which has been reset. ParseFault: a head or
  // trailers that are malformed or over a limit, BodyLengthDiffers;
  // StreamFault: frames that its state does not allow.
  virtual void onStreamFault(H2StreamId stream, const Fault& fault) = 0;

  // All that was submitted for the stream is in the output, after it was not.
  virtual void onWritable(H2StreamId stream) = 0;
  // The whole request is in the output, END_STREAM included.
  virtual void onRequestSent(H2StreamId stream) = 0;

  // GOAWAY: room() is 0 from here on. The streams above `fault.last_stream` are
  // told by onReset() after it; the others go on, whatever the code.
  virtual void onGoAway(const StreamFault& fault) = 0;
  virtual void onPong(std::uint64_t opaque) = 0;
  // The connection is over: output() ends with GOAWAY, nothing is read any
  // more. The streams end with it; nothing more is told of them.
  virtual void onConnectionFault(const StreamFault& fault) = 0;
  // What evidence must not show.
  [[nodiscard]] virtual const Redaction& redaction() = 0;

 protected:
  ~H2OriginObserver() = default;
};

class H2OriginSession {
 public:
  enum class State : std::uint8_t {
    Open,
    Draining,  // GOAWAY has been sent or received, or stream ids are used up: no new streams
    Over,      // nothing more is read; output() may have a GOAWAY left
  };

  H2OriginSession(const H2OriginSettings& settings, H2OriginObserver& observer);
  ~H2OriginSession();
  H2OriginSession(const H2OriginSession&) = delete;
  H2OriginSession& operator=(const H2OriginSession&) = delete;

  // All bytes are used. False: the session is over, and the observer knows why.
  [[nodiscard]] bool feed(std::string_view bytes, H2Instant now);

  // What is to be sent next; "" where there is nothing. At most about 80 KiB
  // are prepared at a time. Valid until the next call of anything here.
  [[nodiscard]] std::string_view output();
  void sent(std::size_t size);  // so much of output() is
  [[nodiscard]] bool hasOutput() const;

  // ---- requests; unknown and closed streams are ignored ----

  // 0: there is no room, or the head cannot be sent.
  [[nodiscard]] H2StreamId openStream(const H2OriginRequest& request);
  // What does not fit the output and the windows now is kept: the caller waits
  // for onWritable() where blocked() says so.
  // `ends`: it is the last; END_STREAM goes with it.
  void submitData(H2StreamId stream, std::string_view data, bool ends);
  // Lines, as of a chunked body.
  void submitEnd(H2StreamId stream, std::string_view trailers);
  void reset(H2StreamId stream, H2Code code);

  // ---- flow ----

  // So many bytes of the body need no room any more: the window opens by them.
  void consume(H2StreamId stream, std::size_t size);
  [[nodiscard]] bool blocked(H2StreamId stream) const;      // some of submitData() is kept here
  [[nodiscard]] std::size_t kept(H2StreamId stream) const;  // so many bytes
  // It is a window of the origin that is closed, the stream's or the connection's.
  [[nodiscard]] bool windowClosed(H2StreamId stream) const;
  // Body bytes in the output so far: what grows, moves.
  [[nodiscard]] std::uint64_t bodySent(H2StreamId stream) const;
  // Nothing more is done for the stream here: its place is free. One that is
  // still open is reset: NO_ERROR where the response is whole, else CANCEL.
  void release(H2StreamId stream);

  // ---- connection ----

  // So many more streams may be opened now.
  [[nodiscard]] std::size_t room() const;
  [[nodiscard]] bool settled() const;          // the origin's SETTINGS have come
  [[nodiscard]] bool extendedConnect() const;  // they allow RFC 8441
  [[nodiscard]] H2PeerSettings peerSettings() const;
  // No new streams; those that are open go on. GOAWAY says so to the origin.
  void closeToNewStreams();
  // The owner's verdict: a GOAWAY with its code, and over. The observer is told.
  void fail(const StreamFault& fault);
  void ping(std::uint64_t opaque);
  [[nodiscard]] State state() const;
  // Nothing more will come or go, so that the connection is to be closed: its
  // fault has been sent, or it is draining and no stream is open.
  [[nodiscard]] bool done() const;
  [[nodiscard]] std::size_t streams() const;     // that are not released
  [[nodiscard]] std::size_t memory() const;      // bytes kept of bodies and output
  [[nodiscard]] std::uint64_t produced() const;  // bytes of output in all
};

}  // namespace gatewhy
