// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include "proxy/loop/event_loop.h"

namespace gatewhy {
namespace {

// Ready again whenever it has been served.
class BusySocket final : public IoHandler {
 public:
  explicit BusySocket(EventLoop& loop) : fd_(::eventfd(1, EFD_CLOEXEC)) {
    EXPECT_TRUE(watch_.startLevel(loop, fd_.get(), this, true, false));
  }
  [[nodiscard]] int served() const { return served_; }

 private:
  void onIo(bool /*readable*/, bool /*writable*/) override {
    if (++served_ == 1000) {  // else a broken loop would never return
      watch_.stop();
    }
  }

  Fd fd_;
  IoWatch watch_;
  int served_ = 0;
};

// What was put off must not wait until no socket has anything to say.
TEST(EventLoop, ServesWhatWasPutOffThoughSocketsStayReady) {
  EventLoop loop;
  BusySocket busy(loop);
  int calls = 0;
  DeferredCall call(loop, [&] { ++calls; });
  call.schedule();
  loop.turn();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(busy.served(), 1);
}

}  // namespace
}  // namespace gatewhy
