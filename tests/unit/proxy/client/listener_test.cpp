// SPDX-License-Identifier: Apache-2.0
#include "proxy/client/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <memory>

namespace gatewhy::test {
namespace {

// Descriptors up to the lowest free one, and no further.
class NoDescriptorsLeft {
 public:
  explicit NoDescriptorsLeft(int spare) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit now = before_;
    now.rlim_cur = static_cast<rlim_t>(Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)).get() + spare);
    ::setrlimit(RLIMIT_NOFILE, &now);
  }
  ~NoDescriptorsLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptorsLeft(const NoDescriptorsLeft&) = delete;
  NoDescriptorsLeft& operator=(const NoDescriptorsLeft&) = delete;

 private:
  rlimit before_{};
};

class ListenerTest : public testing::Test {
 protected:
  ListenerTest() : sockets_(openListener("127.0.0.1:0", 1).value()) {
    for (Fd& client : clients_) {
      client.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    }
    listener_ = std::make_unique<Listener>(
        loop_, std::move(sockets_.per_worker.front().front()), [this] { return may_accept_; },
        [this](Fd fd, const Address& /*peer*/) { accepted_.push_back(std::move(fd)); },
        [this](int /*error*/, bool somebody_waits) {
          waited_for_.push_back(somebody_waits);
          return Listener::Shortage::Wait;
        });
    EXPECT_TRUE(listener_->start());
  }
  void connect(std::size_t client) {
    ::connect(clients_.at(client).get(), reinterpret_cast<const sockaddr*>(&sockets_.local.storage),
              sockets_.local.size);
  }

  EventLoop loop_;
  ListenSockets sockets_;
  std::array<Fd, 2> clients_;
  bool may_accept_ = true;
  std::vector<Fd> accepted_;
  std::vector<bool> waited_for_;
  std::unique_ptr<Listener> listener_;
};

// With none left accept4() fails before it looks whether somebody waits: who
// got the last descriptor must not give way to nobody.
TEST_F(ListenerTest, TheLastDescriptorIsNoShortage) {
  const NoDescriptorsLeft full(1);
  connect(0);
  loop_.turn();
  EXPECT_EQ(accepted_.size(), 1U);
  EXPECT_EQ(waited_for_, std::vector{false});
  connect(1);
  loop_.turn();
  EXPECT_EQ(accepted_.size(), 1U);
  EXPECT_EQ(waited_for_, (std::vector{false, true}));
}

// They are not lost: neither those that have come before nor those that come
// while it may not.
TEST_F(ListenerTest, NewcomersWaitUntilItMayAccept) {
  may_accept_ = false;
  connect(0);
  loop_.turn();
  connect(1);
  loop_.turn();
  EXPECT_TRUE(accepted_.empty());
  EXPECT_TRUE(waited_for_.empty()) << "no call failed";
  may_accept_ = true;
  while (accepted_.size() < 2) {
    loop_.turn();
  }
}

TEST_F(ListenerTest, WhoWaitsIsTakenWhereItStops) {
  may_accept_ = false;
  connect(0);
  loop_.turn();
  listener_->stop();
  EXPECT_EQ(accepted_.size(), 1U);
}

}  // namespace
}  // namespace gatewhy::test
