// SPDX-License-Identifier: Apache-2.0
// One connection of the admin listener: requests in turn, each answered
// before the next is read; or a stream of failures until the reader leaves.
#pragma once

#include <string>

#include "daemon/admin/admin_dialogue.h"
#include "proxy/loop/event_loop.h"

namespace gatewhy {

// What a connection needs of its server. The admin loop's thread only.
class AdminConnectionHost : public AdminDesk {
 public:
  // Has it answer() in a turn of the loop in which nobody else does.
  virtual void awaitTurn(class AdminConnection& connection) = 0;
  virtual void onStreamStarted() = 0;
  virtual void onStreamGap(std::uint64_t missed) = 0;
  [[nodiscard]] virtual const RecentFailures& failures() const = 0;
  virtual void onClosed(class AdminConnection& connection) = 0;  // buries it

 protected:
  ~AdminConnectionHost() = default;
};

class AdminConnection final : public Deferred, public IoHandler {
 public:
  // `host` and `loop` must outlive it.
  AdminConnection(EventLoop& loop, AdminConnectionHost& host, Fd fd);
  ~AdminConnection() override;

  void start();
  void onIo(bool readable, bool writable) override;
  void answer();  // what waits
  [[nodiscard]] bool streaming() const { return stream_.has_value(); }
  // What it does, in the order in which connections give way to newcomers.
  enum class Standing : std::uint8_t { AwaitsRequest, AwaitsReader, Streams };
  [[nodiscard]] Standing standing() const;
  // When it was accepted, an answer of it was taken whole, or its reader last
  // took something. A request that drips in is no progress.
  [[nodiscard]] TimePoint lastProgress() const { return last_progress_; }
  // Octets of answers that wait for the reader.
  [[nodiscard]] std::size_t waiting() const { return output_.size() - sent_; }
  void giveWay() { close(); }
  // Sends what has come since; to be called regularly while streaming.
  void feedStream();

 private:
  enum class Flushed : std::uint8_t { All, Part, Closed };

  void pump();
  [[nodiscard]] bool receive();  // false: nothing now, or we are closed
  void say(AdminDialogue::Step step);
  [[nodiscard]] Flushed flush();
  void beginStream(EventStreamStart start);
  void close();

  EventLoop& loop_;
  AdminConnectionHost& host_;
  Fd fd_;
  IoWatch watch_;
  Deadline timer_;  // for the next head, its end, or the reader's progress
  AdminDialogue dialogue_;
  std::string input_;  // received, not yet parsed
  std::string output_;
  std::size_t sent_ = 0;  // of output_, taken by the kernel
  bool waits_ = false;    // for its turn to be answered
  bool close_after_ = false;
  bool closed_ = false;
  std::optional<EventStreamStart> stream_;
  TimePoint last_sent_{};
  TimePoint last_progress_ = EventLoop::now();
};

}  // namespace gatewhy
