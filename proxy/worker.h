// SPDX-License-Identifier: Apache-2.0
// One event loop on one thread with its listeners, connections and pools.
// Nothing on the path of a request is shared with other workers but counters.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "proxy/client/client_connection.h"
#include "proxy/client/h1_client_streams.h"
#include "proxy/client/listener.h"
#include "proxy/exchange/worker_context.h"

namespace gatewhy {

// The sockets of one listener that a worker takes over.
struct WorkerListener {
  std::string key;      // the same over reloads, another one for every listener
  std::size_t index;    // into generation->config->listeners
  std::vector<Fd> fds;  // empty on reload where the worker has them already
};

struct WorkerPlan {
  GenerationPtr generation;
  std::vector<WorkerListener> listeners;
  std::vector<Address> own_listeners;  // bound addresses of all listeners
};

// Connections that a worker keeps parked, by endpoint.
struct ParkedCount {
  std::string origin, endpoint;
  std::size_t connections = 0;
};

class Worker final : public ConnectionOwner {
 public:
  // `wake_all` runs serveQueues() of every worker on its own thread.
  Worker(std::unique_ptr<EventSink> sink, ProxyCounters& counters, std::function<void()> wake_all);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Before start(): builds everything on the calling thread.
  [[nodiscard]] bool prepare(WorkerPlan plan);
  void start();
  void join();

  // Any thread; carried out on the worker's own.
  void reload(WorkerPlan plan);
  void closeListeners();
  void drain(std::chrono::milliseconds grace);  // no new requests but one per kept-alive connection
  void abortAll();                              // what is still running ends with proxy_draining
  void stop();
  void serveQueues();
  // Asks the loop for a sign of life; `answered` is set on its thread.
  void ping(std::shared_ptr<std::atomic<bool>> answered);
  // `tell` is called on the worker's thread; never where the worker has stopped.
  void countParked(std::function<void(const std::vector<ParkedCount>&)> tell);
  [[nodiscard]] std::size_t connections() const { return open_.load(std::memory_order_relaxed); }
  // After closeListeners(): they are closed, what had waited in their queues is
  // counted among the connections, and there is none left.
  [[nodiscard]] bool over() const { return !listens_.load(std::memory_order_acquire) && connections() == 0; }

 private:
  struct ActiveListener {
    std::string key;
    std::size_t index = 0;  // into the current configuration's listeners
    std::vector<std::unique_ptr<Listener>> sockets;
  };

  void adopt(WorkerPlan plan);
  void adoptOrigins(WorkerGeneration& next);
  [[nodiscard]] bool startListeners();
  void stopListeners();
  void onAccept(const std::string& listener, Fd fd, const Address& peer);
  [[nodiscard]] bool makeRoom(Flood reason);
  void measureDescriptors();
  void shedClients();
  void resumeReaders();
  [[nodiscard]] Listener::Shortage onShortage(const std::string& listener, int error, bool somebody_waits);
  void onConnectionClosed(ClientConnection& connection) override;

  EventLoop loop_;
  std::unique_ptr<EventSink> sink_;
  ProxyCounters& counters_;
  std::function<void()> wake_all_;
  H1ClientStreams streams_;
  WorkerContext context_;
  std::vector<ActiveListener> listeners_;
  std::vector<std::weak_ptr<WorkerGeneration>> generations_;    // for queues of retired ones
  std::vector<std::unique_ptr<ClientConnection>> connections_;  // each knows its place
  std::atomic<std::size_t> open_{0};
  std::atomic<bool> listens_{true};
  TimePoint last_shortage_{};
  int descriptors_short_ = 0;  // from this descriptor on they are about to run out
  std::thread thread_;
};

}  // namespace gatewhy
