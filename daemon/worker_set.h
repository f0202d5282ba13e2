// SPDX-License-Identifier: Apache-2.0
// All workers as one. Main thread only, where nothing else is said.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "proxy/worker.h"

namespace gatewhy {

class WorkerSet {
 public:
  using MakeSink = std::function<std::unique_ptr<EventSink>()>;

  explicit WorkerSet(ProxyCounters& counters) : counters_(counters) {}  // which outlives it
  ~WorkerSet() { stop(); }
  WorkerSet(const WorkerSet&) = delete;
  WorkerSet& operator=(const WorkerSet&) = delete;

  // One worker per plan, each with a sink of its own. false: a listener cannot
  // be watched, and errno says why.
  [[nodiscard]] bool start(std::vector<WorkerPlan> plans, const MakeSink& make_sink);
  // A plan for each, in the order of start().
  void reload(std::vector<WorkerPlan> plans);
  // No new connections; kept-alive ones may bring one more request within `grace`.
  void drain(std::chrono::milliseconds grace);
  void abortAll();  // what is still running ends with proxy_draining
  void stop();      // and waits for their threads

  [[nodiscard]] std::size_t connections() const;
  // After drain(): nobody is left to be answered, or has just been accepted.
  [[nodiscard]] bool over() const;
  // The admin thread, which waits for the workers, never the other way round.
  // What does not answer within a moment is left out.
  [[nodiscard]] std::vector<ParkedCount> parked() const;
  [[nodiscard]] const std::vector<std::unique_ptr<Worker>>& all() const { return workers_; }

 private:
  ProxyCounters& counters_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace gatewhy
