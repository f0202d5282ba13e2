// SPDX-License-Identifier: Apache-2.0
// One request and its response on a connection to an origin, whatever version
// of HTTP that speaks. A stream is opened by its connection and used by one
// attempt, which owns it; the response goes straight to the attempt's observer.
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

namespace gatewhy {

// Implemented by whoever asked. Any of these may end the stream.
class ResponseObserver {
 public:
  // The head is on its way: body may be sent.
  virtual void onUploadReady() = 0;
  // What was handed to sendBody() has left: more may come.
  virtual void onUploadDrained() = 0;
  virtual void onInterim(const ResponseHead& head) = 0;
  virtual void onResponseHead(const ResponseHead& head) = 0;
  virtual void onResponseData(std::string_view data) = 0;
  // The pipe through which body bytes may go to the client uncopied; null:
  // hand them to onResponseData().
  [[nodiscard]] virtual SplicePipe* splicePipe() = 0;
  virtual void onResponseSpliced(std::size_t size) = 0;  // so many were put into it
  // All that one read brought has been reported: what was held back may go.
  virtual void onBatchEnd() = 0;
  // Something about the response that is no failure.
  virtual void onFindings(FindingSet findings) = 0;
  // `extra_data`: bytes came after the message's end, so the connection was closed.
  virtual void onResponseEnd(const std::string& trailers, bool extra_data) = 0;
  // A valid 101: from here on bytes are the tunnel's.
  virtual void onTunnelOpen(const ResponseHead& head) = 0;
  virtual void onTunnelData(std::string_view data) = 0;
  virtual void onTunnelOriginClosed() = 0;  // FIN: the other direction goes on
  // True while the client takes no more response bytes.
  [[nodiscard]] virtual bool clientBlocked() const = 0;

 protected:
  ~ResponseObserver() = default;
};

// Implemented by the attempt.
class OriginStreamOwner {
 public:
  // Appends the request's head as it goes out.
  virtual void appendHead(TextBuffer& out) = 0;
  // nullopt: the 101 answers what was asked.
  [[nodiscard]] virtual std::optional<UpgradeFault> judgeSwitch(const ResponseHead& head) = 0;
  // One of these, once, and nothing after it; the stream is to be left then.
  // `reusable`: its connection can carry another request.
  virtual void onStreamComplete(bool reusable, bool extra_data, const std::string& trailers) = 0;
  virtual void onStreamFailed(Phase phase, Fault fault) = 0;

 protected:
  ~OriginStreamOwner() = default;
};

// What a stream is given. All of it outlives the stream's use.
struct OriginStreamSetup {
  EventLoop& loop;
  TextBuffer& scratch;  // for heads; free between callbacks
  const Redaction& redaction;
  const RequestHead& head;
  const OriginConfig& origin;  // its strictness
  const OriginTimeouts& timeouts;
  OriginStreamOwner& owner;
  ResponseObserver& observer;
  bool reused = false;  // the connection has carried a request before
};

class OriginStream : public Deferred {
 public:
  // Sends the head. May fail, or end, at once.
  virtual void begin() = 0;
  // Gives the connection back without a report; facts can still be asked for.
  virtual void leave() = 0;

  // Request body, unframed; only after onUploadReady(). `last` ends it.
  virtual void sendBody(std::string_view data, bool last, std::string_view trailers) = 0;
  virtual void sendTunnel(std::string_view data) = 0;
  virtual void closeTunnelWrite() = 0;  // the client has sent FIN
  virtual void resumeRead() = 0;        // the client takes bytes again

  [[nodiscard]] virtual bool takesBody() const = 0;
  [[nodiscard]] virtual bool uploadBlocked() const = 0;
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
};

}  // namespace gatewhy
