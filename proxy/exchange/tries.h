// SPDX-License-Identifier: Apache-2.0
// The tries of one request at the origin that was chosen for it: at most one is
// under way, each that failed counts against its endpoint, and another one
// follows only where that does no harm. Loop thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "proxy/exchange/attempt.h"
#include "proxy/exchange/client_facts.h"
#include "proxy/exchange/exchange_record.h"
#include "proxy/exchange/forwarding.h"
#include "proxy/exchange/retries.h"
#include "proxy/exchange/worker_context.h"

namespace gatewhy {

class Tries {
 public:
  // All of it outlives this; `observer` is told of each.
  Tries(WorkerContext& worker, AttemptObserver& observer, const RequestHead& request, const ClientFacts& client,
        ExchangeRecord& record)
      : worker_(worker), observer_(observer), request_(request), client_(client), record_(record) {}

  // The origin, `config` with the route's timeouts, before any try. They outlive this.
  void choose(WorkerGeneration& generation, std::size_t origin, const OriginConfig& config);
  [[nodiscard]] OriginPool& pool() const { return *pool_; }
  [[nodiscard]] const OriginConfig& origin() const { return *origin_; }

  // The next one, of which nothing comes before start(). `timeouts`: null, or
  // instead of the origin's.
  [[nodiscard]] Attempt& next(const Forwarding& forwarding, const OriginTimeouts* timeouts, bool body_here);
  void start() { attempt_->start(retries_.tried()); }  // may fail at once
  [[nodiscard]] Attempt* current() const { return attempt_.get(); }
  // Whether another one may follow what has failed, if it can be `repeated`; it
  // is counted then, and next() makes it.
  [[nodiscard]] bool followed(const Diagnosis& why, std::vector<AddressFailure> addresses, bool repeatable);
  // The current one is not asked any more; it has not failed, or not by itself.
  void giveUp();
  void end();  // likewise, and what is to be told of it has been

  // Another one could follow: as far as is known before one has begun, …
  [[nodiscard]] bool mayFollow() const { return left() || retries_.untouchedLeft(); }
  // … now that bytes of the request go out, …
  [[nodiscard]] bool mayFollowThis() const;
  // … and where the origin itself says that it did nothing with the request.
  [[nodiscard]] bool mayFollowUntouched() const { return !client_.refused && retries_.untouchedLeft(); }

  // ---- of the current one, where there is one

  [[nodiscard]] bool queued() const { return attempt_ && attempt_->queued(); }
  [[nodiscard]] bool owesContinue() const { return attempt_ && attempt_->owesContinue(); }
  [[nodiscard]] std::size_t buffered() const { return attempt_ ? attempt_->buffered() : 0; }
  [[nodiscard]] Phase phase() const { return attempt_ ? attempt_->phase() : Phase::ClientRequest; }
  void noteBodyHere();  // may begin what waited, and end it: the last word
  // A limit of the whole exchange is over.
  [[nodiscard]] Observation late(TimerFault fault) const;
  // What the origin was at when the client failed us; `waiting`: for its answer.
  void describe(Observation& client_fault, bool waiting) const;

 private:
  [[nodiscard]] bool left() const { return retries_.left(pool_->config()) && !client_.refused; }

  WorkerContext& worker_;
  AttemptObserver& observer_;
  const RequestHead& request_;
  const ClientFacts& client_;
  ExchangeRecord& record_;
  const OriginConfig* origin_ = nullptr;
  const OriginRuntime* runtime_ = nullptr;
  WorkerGeneration* generation_ = nullptr;
  OriginPool* pool_ = nullptr;
  Retries retries_;
  std::unique_ptr<Attempt> attempt_;
};

}  // namespace gatewhy
