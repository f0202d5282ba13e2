-- SPDX-License-Identifier: Apache-2.0
-- Prints what wrk measured as one line of numbers.
done = function(summary, latency, requests)
  local e = summary.errors
  print(string.format("result requests=%d seconds=%.6f bytes=%d p50=%.1f p99=%.1f status=%d broken=%d timeout=%d",
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50), latency:percentile(99), e.status,
    e.connect + e.read + e.write, e.timeout))
end
