// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/stream_times.h"

namespace gatewhy {

void StreamTimes::addTo(Timings& timings, TimePoint end) const {
  const auto until = [&](TimePoint next) { return next != TimePoint{} ? next : end; };
  // Who waits for 100 (Continue) sends nothing meanwhile.
  const TimePoint out = sent != TimePoint{} ? sent : awaiting_since;
  if (began != TimePoint{}) {
    timings.send = millisBetween(began, until(out));
  }
  // A response that overtakes its request is not waited for.
  if (out != TimePoint{} && (first_byte == TimePoint{} || first_byte >= out)) {
    timings.wait = millisBetween(out, until(first_byte));
  }
  if (first_byte != TimePoint{}) {
    timings.receive = millisBetween(first_byte, end);
  }
}

}  // namespace gatewhy
