// SPDX-License-Identifier: Apache-2.0
#include "proxy/client/leaving_watch.h"

#include <chrono>

namespace gatewhy {
namespace {

constexpr int kMostProbes = 2;
constexpr std::chrono::milliseconds kProbeDelay{100};  // most answers are there by then
constexpr std::chrono::milliseconds kProbeAgain{10000};
constexpr std::chrono::milliseconds kSilenceAfterFin{5000};

}  // namespace

void LeavingWatch::begin(bool responding, std::uint64_t written) {
  probes_ = 0;
  written_at_fin_ = written;
  timer_.arm(responding ? kSilenceAfterFin : kProbeDelay);
}

LeavingWatch::Verdict LeavingWatch::beforeAnswer() {
  if (probes_ == kMostProbes) {
    return Verdict::Waits;
  }
  ++probes_;
  timer_.arm(kProbeAgain);
  return Verdict::Probe;
}

// What was sent would have been answered with a reset.
LeavingWatch::Verdict LeavingWatch::duringAnswer(std::uint64_t written, bool unsent) const {
  return probes_ == 0 && written == written_at_fin_ && !unsent ? Verdict::Left : Verdict::Waits;
}

}  // namespace gatewhy
