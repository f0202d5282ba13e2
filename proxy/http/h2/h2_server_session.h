// SPDX-License-Identifier: Apache-2.0
// HTTP/2 with one client (RFC 9113): requests come, answers go. See H2Session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "diagnostics/observation.h"
#include "proxy/http/h2/h2_early_answers.h"
#include "proxy/http/h2/h2_request_reader.h"
#include "proxy/http/h2/h2_session.h"
#include "proxy/http/head_reader.h"
#include "proxy/http/message.h"

namespace gatewhy {

struct H2ServerSettings {
  std::uint32_t streams = 128;                 // SETTINGS_MAX_CONCURRENT_STREAMS
  std::uint32_t stream_window = 1U << 20;      // bytes that a client may send ahead on a stream …
  std::uint32_t connection_window = 1U << 20;  // … and on all of them together, of which one should not keep half
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

class H2ServerObserver : public H2Observer {
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
  // Instead of onEnd(): the body is shorter than its Content-Length, and the head
  // of the answer was submitted before. The answer goes on: a client may take it
  // for a reason to send no more (RFC 9113 section 8.1), as curl does.
  virtual void onShortEnd(H2StreamId stream, const ParseFault& fault) = 0;
  // The whole answer is in the output, END_STREAM included. Where the request
  // had not ended (RFC 9113 section 8.1), what comes of it is dropped; see
  // H2EarlyAnswers.
  virtual void onFinished(H2StreamId stream) = 0;
  // 24 characters for Sec-WebSocket-Key (RFC 6455 section 4.1).
  [[nodiscard]] virtual std::string webSocketKey() = 0;

 protected:
  ~H2ServerObserver() = default;
};

class H2ServerSession final : public H2Session {
 public:
  H2ServerSession(const H2ServerSettings& settings, H2ServerObserver& observer);

  // Fields are lines as of HTTP/1.1 ("Name: value\r\n" each, without a status
  // line): names are written in lower case, fields of the connection are left
  // out (RFC 9113 section 8.2.2). Unknown and closed streams are ignored.
  void submitInterim(H2StreamId stream, std::uint16_t status, std::string_view fields);
  void submitHead(H2StreamId stream, std::uint16_t status, std::string_view fields, bool ends);

  // GOAWAY in two steps (RFC 9113 section 6.8): announce, and when what was
  // under way has come (a round trip later) closeToNewStreams().
  void announceShutdown();

  // Requests go on behind their answers: when one of them has had its time, and
  // what then resets it.
  [[nodiscard]] std::optional<H2Instant> uploadsDue() const { return early_.due(); }
  void stopUploads();

 private:
  void judge(const H2FrameHead& frame) override;
  void watch(std::string_view payload) override;
  [[nodiscard]] bool beginStream(H2StreamId id) override;
  [[nodiscard]] bool hasPlace() const;
  void beginHead(H2StreamId /*id*/) override { request_.begin(); }
  void takeHeadField(std::string_view name, std::string_view value) override;
  void endHead(H2StreamId id, bool ends) override;
  [[nodiscard]] bool isAwaited(const H2Stream& stream) const override;
  void onEndSent(H2StreamId id, H2Stream& stream) override;
  void onDropped(H2StreamId id, std::size_t size) override;
  void onEndDropped(H2StreamId id) override { early_.remove(id); }
  [[nodiscard]] bool bearsShortEnd(H2StreamId id, H2Stream& stream, const ParseFault& fault) override;
  void tellFinished(H2StreamId id) override { observer_.onFinished(id); }
  void onProvokedReset() override { onFlood(guard_.onProvokedReset(now_)); }
  void restReaders() override { request_.rest(); }
  void takeTurns(H2StreamId id);
  void makePlace();

  H2ServerSettings settings_;
  H2ServerObserver& observer_;
  H2RequestReader request_;
  H2EarlyAnswers early_;
  // Of a PRIORITY that comes:
  std::size_t payload_seen_ = 0;  // octets
  std::uint32_t dependency_ = 0;
};

}  // namespace gatewhy
