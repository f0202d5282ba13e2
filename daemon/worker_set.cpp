// SPDX-License-Identifier: Apache-2.0
#include "daemon/worker_set.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kWorkersAnswer{250};

}  // namespace

bool WorkerSet::start(std::vector<WorkerPlan> plans, const MakeSink& make_sink) {
  const auto wake_all = [this] {
    for (auto& worker : workers_) {
      worker->serveQueues();
    }
  };
  // All are made before the first one runs: any may wake all.
  for (std::size_t i = 0; i < plans.size(); ++i) {
    workers_.push_back(std::make_unique<Worker>(make_sink(), counters_, wake_all));
  }
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (!workers_[i]->prepare(std::move(plans[i]))) {
      return false;
    }
  }
  for (auto& worker : workers_) {
    worker->start();
  }
  return true;
}

void WorkerSet::reload(std::vector<WorkerPlan> plans) {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->reload(std::move(plans[i]));
  }
}

void WorkerSet::drain(std::chrono::milliseconds grace) {
  for (auto& worker : workers_) {
    worker->closeListeners();
    worker->drain(grace);
  }
}

void WorkerSet::abortAll() {
  for (auto& worker : workers_) {
    worker->abortAll();
  }
}

void WorkerSet::stop() {
  for (auto& worker : workers_) {
    worker->stop();
  }
  for (auto& worker : workers_) {
    worker->join();
  }
  counters_.passwords.stop();  // it tells their loops
  workers_.clear();
}

bool WorkerSet::over() const {
  return std::all_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->over(); });
}

std::size_t WorkerSet::connections() const {
  std::size_t all = 0;
  for (const auto& worker : workers_) {
    all += worker->connections();
  }
  return all;
}

std::vector<ParkedCount> WorkerSet::parked() const {
  struct Answers {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t missing;
    std::vector<ParkedCount> counts;
  };
  const auto answers = std::make_shared<Answers>();
  answers->missing = workers_.size();
  for (const auto& worker : workers_) {
    worker->countParked([answers](const std::vector<ParkedCount>& counts) {
      const std::lock_guard lock(answers->mutex);
      answers->counts.insert(answers->counts.end(), counts.begin(), counts.end());
      --answers->missing;
      answers->changed.notify_one();
    });
  }
  std::unique_lock lock(answers->mutex);
  answers->changed.wait_for(lock, kWorkersAnswer, [&] { return answers->missing == 0; });
  return std::move(answers->counts);
}

}  // namespace gatewhy
