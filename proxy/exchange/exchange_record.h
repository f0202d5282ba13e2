// SPDX-License-Identifier: Apache-2.0
// What an exchange tells at its end: the facts of the request and its answer,
// each try, the diagnosis, and what came after it. One event, once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/diagnosis.h"
#include "diagnostics/event.h"
#include "diagnostics/received_proxy_status.h"
#include "proxy/exchange/attempt.h"
#include "proxy/exchange/client_facts.h"
#include "proxy/exchange/generation.h"
#include "proxy/exchange/grpc_call.h"
#include "proxy/exchange/request_identity.h"
#include "proxy/exchange/response_check.h"
#include "proxy/exchange/worker_context.h"

namespace gatewhy {

class ExchangeRecord {
 public:
  // All of it outlives this.
  ExchangeRecord(const RequestHead& request, const ClientFacts& client, const Generation& generation, TimePoint began);

  // Filled in as the exchange learns it.
  RequestIdentity identity;
  std::string forwarded_client;          // where a trusted proxy names the client; else ""
  std::vector<std::uint32_t> dropped;    // fields of the request that do not reach the origin
  const RouteConfig* route = nullptr;    // null: none, or not known yet
  const OriginConfig* origin = nullptr;  // likewise
  std::uint16_t status = 0;              // sent
  std::uint16_t origin_status = 0;
  GeneratedBy generated_by = GeneratedBy::Nobody;
  std::optional<double> login_ms;  // what a login service took
  ResponseCheck check;

  [[nodiscard]] TimePoint began() const { return began_; }
  [[nodiscard]] double elapsedMs() const { return millisBetween(began_, EventLoop::now()); }
  // The wall clock, in step with the loop's: at `turn`.
  [[nodiscard]] std::chrono::system_clock::time_point wallClock(TimePoint turn) const {
    return timestamp_ + (turn - began_);
  }
  [[nodiscard]] std::string_view clientAddress() const {
    return forwarded_client.empty() ? std::string_view(client_.ip) : std::string_view(forwarded_client);
  }

  // ---- tries: one that ended with the whole response needs no word of these

  void beginTry() { open_try_ = true; }
  // It has failed. False: before an endpoint was chosen, so that there is nothing to tell.
  bool endTry(Attempt& attempt, std::vector<AddressFailure> addresses, const Diagnosis& diagnosis);
  // Another one follows because of the last.
  void noteRetry() { tries_.back().retried = true; }
  // The one that has not ended yet, and will not be asked any more.
  void closeTry(Attempt& attempt);

  // ---- failing

  // As the configuration has it diagnosed.
  [[nodiscard]] Diagnosis diagnosed(Observation observation) const;
  // Null: nothing has failed.
  [[nodiscard]] const Diagnosis* diagnosis() const { return diagnosis_.get(); }
  void fail(Diagnosis diagnosis) { diagnosis_ = std::make_unique<const Diagnosis>(std::move(diagnosis)); }
  void noteLater(std::string_view what);  // a symptom of it

  // The client has sent FIN, which met this `phase`: it matters if it turns out
  // to have gone for good. Then clientGone() is what was seen.
  void noteHalfClose(Phase phase) { half_close_ = {.at = EventLoop::now(), .phase = phase}; }
  [[nodiscard]] Observation clientGone(bool body_whole, std::uint64_t body_received) const;

  // The client ended its body short, behind the head of its answer: told with
  // whatever the exchange comes to.
  void noteShortBody(Observation seen) { short_body_ = std::make_unique<const Observation>(std::move(seen)); }
  [[nodiscard]] const Observation* shortBody() const { return short_body_.get(); }  // null: it did not

  // What proxies behind us said passes on as it came; the event quotes it.
  void quoteProxyStatus(const ResponseHead& head);

  // `attempt`: the last, null where there was none; `call`: null where it is none
  // of gRPC. Bytes of content: what came of the request, and what was sent.
  void tell(EventSink& sink, Attempt* attempt, GrpcCall* call, std::uint64_t request_body, std::uint64_t response_body);

 private:
  void addAddresses(std::string_view endpoint, std::vector<AddressFailure> addresses);
  void describeRequest(ExchangeEvent& event, std::uint64_t body) const;
  void describeTries(ExchangeEvent& event, Attempt* attempt);
  void describeOutcome(ExchangeEvent& event) const;
  void describeCall(ExchangeEvent& event, GrpcCall* call) const;
  [[nodiscard]] std::vector<std::string_view> droppedNames() const;

  struct HalfClose {
    TimePoint at{};
    Phase phase = Phase::ClientRequest;  // that it met
  };

  const RequestHead& request_;
  const ClientFacts& client_;
  const Generation& generation_;
  const TimePoint began_;
  const std::chrono::system_clock::time_point timestamp_;
  std::vector<TryRecord> tries_;
  bool open_try_ = false;  // the running attempt is not in tries_ yet
  std::unique_ptr<const Diagnosis> diagnosis_;
  std::vector<Symptom> later_;
  HalfClose half_close_;
  std::unique_ptr<const Observation> short_body_;
  std::unique_ptr<ReceivedProxyStatus> origin_proxy_status_;
};

}  // namespace gatewhy
