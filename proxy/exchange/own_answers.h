// SPDX-License-Identifier: Apache-2.0
// What an exchange says to its client in its own name, in the way that the
// client understands: a response of HTTP, or a call's status of gRPC. Whatever
// is made here the record says too: that the proxy answered, and with what.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proxy/exchange/exchange_record.h"
#include "proxy/exchange/forwarding.h"
#include "proxy/exchange/grpc_call.h"
#include "proxy/exchange/synthesize.h"
#include "proxy/exchange/worker_context.h"

namespace gatewhy {

class OwnAnswers {
 public:
  // All of it outlives this; `call`: null where it is none of gRPC.
  OwnAnswers(WorkerContext& worker, const Generation& generation, ExchangeRecord& record, const Forwarding& forwarding,
             GrpcCall* call)
      : worker_(worker), generation_(generation), record_(record), forwarding_(forwarding), call_(call) {}

  // The route's own. nullopt: its client is to get none.
  [[nodiscard]] std::optional<SynthesizedResponse> fixed();
  [[nodiscard]] SynthesizedResponse options();
  // To the record's diagnosis.
  [[nodiscard]] SynthesizedResponse failure();
  // Likewise, in the words of the login service.
  [[nodiscard]] SynthesizedResponse loginDenied(const LoginAnswer& answer);
  // Instead of the origin's answer to a call, which is not gRPC.
  [[nodiscard]] SynthesizedResponse foreign(std::uint16_t origins_status);
  // The trailers that end a call whose answer has begun, by the diagnosis.
  [[nodiscard]] std::string callsEnd() const;

  [[nodiscard]] std::uint64_t bodySize() const { return body_size_; }  // of the last

 private:
  [[nodiscard]] SynthesizedResponse noted(SynthesizedResponse made);
  [[nodiscard]] bool speaksGrpc() const { return call_ != nullptr && call_->native(); }
  [[nodiscard]] SynthesizedResponse callFailure() const;
  // What clients of gRPC would make of a `status` themselves.
  [[nodiscard]] SynthesizedResponse callAnswer(std::uint16_t status, std::string message) const;
  [[nodiscard]] const DiagnosticsConfig& config() const { return generation_.config->diagnostics; }

  WorkerContext& worker_;
  const Generation& generation_;
  ExchangeRecord& record_;
  const Forwarding& forwarding_;
  GrpcCall* call_;
  std::uint64_t body_size_ = 0;
};

}  // namespace gatewhy
