// SPDX-License-Identifier: Apache-2.0
// HTTP/2 with one origin (RFC 9113), where we are the client: requests go,
// responses come. See H2Session. The preface and our SETTINGS are in output() at
// once; requests may be opened before the origin's SETTINGS have come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "diagnostics/observation.h"
#include "proxy/http/h2/h2_response_reader.h"
#include "proxy/http/h2/h2_session.h"
#include "proxy/http/head_reader.h"
#include "proxy/http/message.h"

namespace gatewhy {

struct H2OriginSettings {
  std::uint32_t streams = 100;        // at a time, where the origin allows more
  std::uint32_t first_streams = 100;  // until its SETTINGS have come
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
  std::int32_t first_stream = 1;          // its id, odd; they end at 2^31 - 1
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

// Of what H2Observer has:
//  - onReset() is also told of the streams that a GOAWAY leaves out (How::GoAway:
//    the origin has not processed them), right behind onGoAway(); the others go
//    on, whatever its code.
//  - onStreamFault() has a ParseFault for a head that is malformed or over a
//    limit too.
//  - Neither is told once the response is whole, but for a tunnel.
//  - Behind onEnd() the request may still be on its way: who wants no more of it
//    releases the stream.
class H2OriginObserver : public H2Observer {
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
  // The whole request is in the output, END_STREAM included.
  virtual void onRequestSent(H2StreamId stream) = 0;

 protected:
  ~H2OriginObserver() = default;
};

class H2OriginSession final : public H2Session {
 public:
  H2OriginSession(const H2OriginSettings& settings, H2OriginObserver& observer);

  // 0: there is no room, or HTTP/2 has no such head. Its head is in the output
  // soon, in front of all bodies.
  [[nodiscard]] H2StreamId openStream(const H2OriginRequest& request);

  // So many more streams may be opened now.
  [[nodiscard]] std::size_t room() const;
  // So many may be open at a time.
  [[nodiscard]] std::uint32_t most() const;
  [[nodiscard]] bool settled() const { return settled_; }  // the origin's SETTINGS have come
  [[nodiscard]] bool extendedConnect() const;              // they allow RFC 8441
  [[nodiscard]] H2PeerSettings peerSettings() const;

 private:
  void judge(const H2FrameHead& frame) override;
  void beginHead(H2StreamId id) override;
  void takeHeadField(std::string_view name, std::string_view value) override;
  void endHead(H2StreamId id, bool ends) override;
  void takeSettings() override;
  void afterGoAway(const StreamFault& fault) override;
  [[nodiscard]] bool isAwaited(const H2Stream& stream) const override;
  [[nodiscard]] bool isWholeWithoutEnd(const H2Stream& stream) const override;
  void tellFinished(H2StreamId id) override { observer_.onRequestSent(id); }
  void onConsumed(H2StreamId id, H2Stream& stream) override;
  void restReaders() override { response_.rest(); }
  void refuseBeginning();
  void endInterim(H2StreamId id, H2Stream& stream, bool ends);

  H2OriginSettings settings_;
  H2OriginObserver& observer_;
  H2ResponseReader response_;
  bool settled_ = false;
};

}  // namespace gatewhy
