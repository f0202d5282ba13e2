// SPDX-License-Identifier: Apache-2.0
// One direction of an exchange: what comes from a source goes to a sink, as
// fast as that takes it. It knows neither client nor origin. Loop thread only.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/exchange/request_body.h"
#include "proxy/net/splice_pipe.h"
#include "proxy/origin/body.h"

namespace gatewhy {

class Transport;

class Relay {
 public:
  //   Idle ──open──▶ Flowing ⇄ SinkFull      both ──the end──▶ Ending ──all of it taken──▶ Ended
  // A tunnel opens it again. Whatever is not Ended can be Broken: nothing flows
  // any more, and what comes is dropped.
  enum class State : std::uint8_t { Idle, Flowing, SinkFull, Ending, Ended, Broken };

  // Its ends, which outlive its use of them. Nothing flows before open().
  void join(BodySource& source, BodySink& sink);
  // What flows is kept there too, for another sink. While none is open it goes
  // only there.
  void tee(RequestBody& copy) { copy_ = &copy; }
  // The sink takes bytes: first those that were kept, then the source's, once
  // resume() has asked for them.
  void open();
  // From here on bytes are a tunnel's: no copy, and an end of its own.
  void openTunnel();
  // The sink is gone, or takes no more: for good, or until it is joined to another.
  void stop();

  // The source's: content, and what ends it.
  void take(std::string_view data);
  void takeEnd(std::string_view data, std::string_view trailers);
  void flush();  // all that one read brought has been taken
  // A step of content whose length is known: `ahead` bytes are to come, at least
  // kSpliceFrom. The kernel moves it where both sockets are plain and nobody
  // wants to see it. Unsupported: it is to be read and taken.
  [[nodiscard]] SpliceResult splice(Transport& from, std::uint64_t ahead);
  // Whether it takes bytes now. `queued`: the sink waits for its turn.
  [[nodiscard]] bool wants(bool queued) const;

  // The sink takes bytes again, or others than it waited for: the source goes on.
  void resume();

  [[nodiscard]] State state() const;
  [[nodiscard]] bool ends() const { return step_ == Step::Ended; }  // Ending or Ended
  [[nodiscard]] bool sinkFull() const { return sink_ != nullptr && sink_->sendBlocked(); }
  [[nodiscard]] std::uint64_t moved() const { return moved_; }  // bytes that came, taken or not

 private:
  // What has been handed over; what the sink has taken of it it knows itself.
  enum class Step : std::uint8_t { Idle, Open, Ended, Broken };

  BodySource* source_ = nullptr;
  BodySink* sink_ = nullptr;
  RequestBody* copy_ = nullptr;
  Step step_ = Step::Idle;
  bool splices_ = true;  // until the kernel says that it cannot
  std::uint64_t moved_ = 0;
};

}  // namespace gatewhy
