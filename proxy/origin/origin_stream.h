// SPDX-License-Identifier: Apache-2.0
// One request and its response on a connection to an origin, whatever version
// of HTTP that speaks. A stream is opened by its connection and used by one
// attempt, which owns it and leaves it before it ends its lease; the response goes straight to the attempt's observer.
// Loop thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "diagnostics/event.h"
#include "diagnostics/findings.h"
#include "diagnostics/observation.h"
#include "diagnostics/text_buffer.h"
#include "proxy/http/message.h"
#include "proxy/loop/event_loop.h"
#include "proxy/net/splice_pipe.h"
#include "proxy/net/transport.h"
#include "proxy/origin/body.h"

namespace gatewhy {

class H2OriginSession;

// Implemented by whoever asked. Any of these may end the stream.
class ResponseObserver {
 public:
  // The head is on its way: body may be sent.
  virtual void onUploadReady() {}
  // The peer takes more of what is sent to it: sendBlocked() is no longer so.
  virtual void onUploadDrained() {}
  virtual void onInterim(const ResponseHead& /*head*/) {}
  virtual void onResponseHead(const ResponseHead& head) = 0;
  virtual void onResponseData(std::string_view data) = 0;  // content, or bytes of a tunnel
  // Content of which `ahead` bytes are to come, at least kSpliceFrom, may go to
  // the client uncopied. Ok: so much of it has; Unsupported: to be read.
  [[nodiscard]] virtual SpliceResult spliceResponse(Transport& /*from*/, std::uint64_t /*ahead*/) {
    return {.status = SpliceStatus::Unsupported};
  }
  // All that one read brought has been reported: what was held back may go.
  virtual void onBatchEnd() {}
  // Something about the response that is no failure.
  virtual void onFindings(FindingSet /*findings*/) {}
  // `extra_data`: bytes came after the message's end, so the connection was closed.
  virtual void onResponseEnd(const std::string& trailers, bool extra_data) = 0;
  // A valid 101: from here on bytes are the tunnel's. Never told to who asks for no upgrade.
  virtual void onTunnelOpen(const ResponseHead& /*head*/) {}
  virtual void onTunnelOriginClosed() {}  // FIN: the other direction goes on
  // True while the client takes no more response bytes.
  [[nodiscard]] virtual bool clientBlocked() const { return false; }

 protected:
  ~ResponseObserver() = default;
};

// Implemented by the attempt.
class OriginStreamOwner {
 public:
  // Appends the request's head as it goes out.
  virtual void appendHead(TextBuffer& out) = 0;
  // The answer is 421 (Misdirected Request), by HTTP/2. True: the request is
  // tried again by HTTP/1.1, and the stream fails as misdirected.
  [[nodiscard]] virtual bool repeatsMisdirected() { return false; }
  // nullopt: the 101 answers what was asked.
  [[nodiscard]] virtual std::optional<UpgradeFault> judgeSwitch(const ResponseHead& head) = 0;
  // One of these, once, and nothing after it; the stream is to be left then.
  virtual void onStreamComplete(bool extra_data, const std::string& trailers) = 0;
  virtual void onStreamFailed(Phase phase, Fault fault) = 0;

 protected:
  ~OriginStreamOwner() = default;
};

// What a stream is given. All of it outlives the stream's use.
struct OriginStreamSetup {
  EventLoop& loop;
  TextBuffer& scratch;  // for heads; free between callbacks
  SplicePipes& pipes;
  const Redaction& redaction;
  const RequestHead& head;
  const OriginConfig& origin;  // its strictness
  const OriginTimeouts& timeouts;
  OriginStreamOwner& owner;
  ResponseObserver& observer;
  bool reused = false;  // the connection has carried a request before
};

// As a sink it takes the request's body, unframed, only after onUploadReady();
// as a source it gives the response's. Of a tunnel both are bytes as they are.
class OriginStream : public Deferred, public BodySink, public BodySource {
 public:
  // Sends the head. May fail, or end, at once.
  virtual void begin() = 0;
  // Gives the connection back without a report; facts can still be asked for.
  virtual void leave() = 0;

  [[nodiscard]] virtual std::size_t buffered() const = 0;  // bytes of the request that are kept here
  // The request expects 100 (Continue), and neither that nor its body has come
  // yet: the client may rightly be waiting (RFC 9110 section 10.1.1).
  [[nodiscard]] virtual bool owesContinue() const = 0;
  // No final head has come.
  [[nodiscard]] virtual bool awaitsHead() const = 0;

  [[nodiscard]] virtual Phase phase() const = 0;
  // Adds what is known of bytes, TCP and TLS, and how long this phase lasts.
  virtual void describe(Observation& seen) const = 0;
  // Adds send, wait and receive; up to `end` where something has not ended.
  virtual void addTimings(Timings& timings, TimePoint end) const = 0;
  [[nodiscard]] virtual double waitedMs() const = 0;        // for the response head, so far
  [[nodiscard]] virtual const SSL* tlsSession() const = 0;  // nullptr without TLS or once left
  // The connection's, where it speaks HTTP/2; nullptr else, or once left.
  [[nodiscard]] virtual const H2OriginSession* http2() const { return nullptr; }
};

}  // namespace gatewhy
