// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/grpc_call.h"

#include <algorithm>
#include <utility>

namespace gatewhy {
namespace {

constexpr std::uint16_t kGrpcHttpStatus = 200;
constexpr std::size_t kMostGrpcMessage = 256;  // octets kept of what a peer says
constexpr int kLooksAtSilence = 4;
constexpr std::string_view kWebText = "application/grpc-web-text";

// Clients round grpc-timeout up, some to three digits.
constexpr int kDeadlineSlackShare = 50;
constexpr std::chrono::milliseconds kDeadlineSlack{10};

std::string_view ownContentType(GrpcKind kind, std::string_view of_request) {
  if (kind == GrpcKind::Native) {
    return "application/grpc";
  }
  const bool text = equalsIgnoreCase(of_request.substr(0, kWebText.size()), kWebText);
  return text ? kWebText : std::string_view("application/grpc-web");
}

}  // namespace

std::unique_ptr<GrpcCall> GrpcCall::of(EventLoop& loop, const RequestHead& head, Owner& owner) {
  if (head.method != Method::Post || head.find(FieldId::ContentType) == nullptr) {
    return nullptr;
  }
  const GrpcKind kind = grpcKind(head.valueOf(FieldId::ContentType));
  // Over HTTP/1.1 it is no call, and nothing that slow uploads could hide behind.
  const bool none = kind == GrpcKind::None || (kind == GrpcKind::Native && head.version_major == 1);
  return none ? nullptr : std::make_unique<GrpcCall>(loop, kind, head, owner);
}

GrpcCall::GrpcCall(EventLoop& loop, GrpcKind kind, const RequestHead& head, Owner& owner)
    : loop_(loop),
      owner_(owner),
      kind_(kind),
      content_type_(ownContentType(kind, head.valueOf(FieldId::ContentType))),
      deadline_(grpcTimeoutOf(head)),
      deadline_clock_(loop, [this] { owner_.onLate(deadlineFault()); }),
      silence_clock_(loop, [this] { lookForSilence(); }) {}

// ---- time -----------------------------------------------------------------

void GrpcCall::begin(const OriginTimeouts& limits, TimePoint began) {
  timeouts_ = limits;
  timeouts_.response_idle = timeouts_.send = Millis(0);  // whose window is closed may be thinking
  if (deadline_) {
    timeouts_.response_head = Millis(0);
    deadline_clock_.arm(began + *deadline_);
  }
  began_ = began;
  moved_at_ = loop_.turnTime();
  silence_limit_ = limits.tunnel;
  silence_clock_.arm(silence_limit_ / kLooksAtSilence);
}

void GrpcCall::stop() {
  deadline_clock_.cancel();
  silence_clock_.cancel();
}

// Looked at a few times instead of with every message: a call ends after its
// time, and before a quarter more.
void GrpcCall::lookForSilence() {
  const TimePoint now = EventLoop::now();
  const std::uint64_t moved = owner_.moved();
  if (moved != std::exchange(moved_, moved)) {
    moved_at_ = now;
  }
  if (now < moved_at_ + silence_limit_) {
    silence_clock_.arm(silence_limit_ / kLooksAtSilence);
    return;
  }
  owner_.onLate({.timer = Timer::Tunnel,
                 .limit_ms = static_cast<std::uint32_t>(silence_limit_.count()),
                 .elapsed_ms = millisBetween(moved_at_, now)});
}

TimerFault GrpcCall::deadlineFault() const {
  return {.timer = Timer::GrpcTimeout,
          .limit_ms = static_cast<std::uint32_t>(deadline_->count()),
          .elapsed_ms = millisBetween(began_, EventLoop::now())};
}

std::optional<TimerFault> GrpcCall::overdue(const Observation& seen) const {
  const auto* reset = std::get_if<StreamFault>(&seen.fault);
  if (!deadline_ || began_ == TimePoint{} || reset == nullptr || reset->how != StreamFault::How::Reset) {
    return std::nullopt;
  }
  const auto slack = std::max(*deadline_ / kDeadlineSlackShare, std::min(kDeadlineSlack, *deadline_ / 2));
  return EventLoop::now() + slack >= began_ + *deadline_ ? std::optional(deadlineFault()) : std::nullopt;
}

// ---- the answer -----------------------------------------------------------

bool GrpcCall::takesAnswer(const ResponseHead& head) {
  origins_ = true;
  const GrpcEnd end = grpcEndOf(head);
  keep(end);
  const bool foreign = head.status != kGrpcHttpStatus || grpcKind(head.valueOf(FieldId::ContentType)) != kind_;
  if (!native() || end.status || !foreign) {
    return true;
  }
  facts_.status = static_cast<std::uint32_t>(grpcStatusOfHttp(head.status));
  return false;
}

FindingSet GrpcCall::onAnswerEnd(std::string_view trailers) {
  keep(grpcEndOf(trailers));
  FindingSet found;
  if (lacksStatus()) {
    found.add(Finding::GrpcStatusMissing);
  }
  return found;
}

void GrpcCall::keep(const GrpcEnd& end) {
  if (end.status) {
    facts_.status = end.status;
    facts_.message = *end.status == 0 ? std::string() : decodeGrpcMessage(end.message, kMostGrpcMessage);
  }
}

void GrpcCall::noteOwn(GrpcStatus status) {
  origins_ = false;
  facts_ = {.status = static_cast<std::uint32_t>(status), .message = {}};
}

bool GrpcCall::failed() const {
  return origins_ && (lacksStatus() || (facts_.status && isGrpcFailure(*facts_.status)));
}

}  // namespace gatewhy
