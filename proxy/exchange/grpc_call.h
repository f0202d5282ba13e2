// SPDX-License-Identifier: Apache-2.0
// What makes an exchange a gRPC call: a dialogue from the request's head on, in
// which silence is no failure, with a deadline that the client chose and a
// status of its own at the end. Loop thread only.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "diagnostics/event.h"
#include "diagnostics/grpc_status.h"
#include "diagnostics/observation.h"
#include "proxy/http/grpc.h"
#include "proxy/loop/requested_deadline.h"

namespace gatewhy {

class GrpcCall {
 public:
  class Owner {
   public:
    // grpc-timeout is over, or timeouts.tunnel without a byte either way. Which
    // phase took the time the owner knows.
    virtual void onLate(TimerFault fault) = 0;
    // Grows with every byte that goes either way.
    [[nodiscard]] virtual std::uint64_t moved() const = 0;

   protected:
    ~Owner() = default;
  };

  // nullptr: the request is no call of gRPC. `head` is read here only; the
  // others outlive this.
  [[nodiscard]] static std::unique_ptr<GrpcCall> of(EventLoop& loop, const RequestHead& head, Owner& owner);
  GrpcCall(EventLoop& loop, GrpcKind kind, const RequestHead& head, Owner& owner);

  // False: gRPC-Web, whose answers pass as they are, and whose requests are
  // uploads like others: only the server's messages are a stream.
  [[nodiscard]] bool native() const { return kind_ == GrpcKind::Native; }
  [[nodiscard]] std::string_view contentType() const { return content_type_; }  // of an answer of ours

  // ---- time
  // The clocks run, counted from when the exchange began.
  void begin(const OriginTimeouts& limits, TimePoint began);
  void stop();
  // What an origin's stream is to keep: nothing that ends a silence.
  [[nodiscard]] const OriginTimeouts& timeouts() const { return timeouts_; }
  // What a client's cancel means: its own clock began earlier than ours, and runs
  // out first; then the time is the story and not the cancel. nullopt: it has
  // time left, no deadline, or `seen` is no cancel.
  [[nodiscard]] std::optional<TimerFault> overdue(const Observation& seen) const;

  // ---- the answer
  // False: it is not gRPC, and what it stands for is kept as the call's status.
  [[nodiscard]] bool takesAnswer(const ResponseHead& head);
  // What it lacks is a finding.
  [[nodiscard]] FindingSet onAnswerEnd(std::string_view trailers);
  // We answer: `status` is the call's.
  void noteOwn(GrpcStatus status);

  // True where the origin's own answer makes it a failure.
  [[nodiscard]] bool failed() const;
  // `message` is as the peer wrote it, decoded: to be redacted.
  [[nodiscard]] GrpcFacts& facts() { return facts_; }

 private:
  void keep(const GrpcEnd& end);
  void lookForSilence();
  [[nodiscard]] TimerFault deadlineFault() const;
  [[nodiscard]] bool lacksStatus() const { return native() && !facts_.status; }

  EventLoop& loop_;
  Owner& owner_;
  GrpcKind kind_;
  std::string_view content_type_;
  std::optional<std::chrono::milliseconds> deadline_;  // grpc-timeout
  OriginTimeouts timeouts_;
  Millis silence_limit_{0};
  TimePoint began_{}, moved_at_{};
  std::uint64_t moved_ = 0;  // when last looked at, and since moved_at_
  RequestedDeadline deadline_clock_;
  Deadline silence_clock_;
  GrpcFacts facts_;
  bool origins_ = false;  // facts_ are the origin's
};

}  // namespace gatewhy
