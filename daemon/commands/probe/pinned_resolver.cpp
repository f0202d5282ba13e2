// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/probe/pinned_resolver.h"

#include <sys/socket.h>

#include <utility>

#include "proxy/loop/event_loop.h"

namespace gatewhy {
namespace {

using OnAnswer = std::function<void(int family, FamilyAnswer answer)>;

class PinnedResolver final : public Resolver {
 public:
  PinnedResolver(EventLoop& loop, std::vector<Address> addresses) : loop_(loop), addresses_(std::move(addresses)) {}

  std::unique_ptr<ResolveHandle> resolve(const std::string& host, OnAnswer on_answer) override {
    return std::make_unique<Answering>(*this, host, std::move(on_answer));
  }
  DnsFault partialEvidence(const std::string& host) const override {
    DnsFault fault;
    fault.host = host;
    return fault;
  }

 private:
  // A family a turn: the first answer may end us.
  class Answering final : public ResolveHandle {
   public:
    Answering(const PinnedResolver& resolver, std::string host, OnAnswer on_answer)
        : resolver_(resolver),
          host_(std::move(host)),
          on_answer_(std::move(on_answer)),
          v6_(resolver.loop_,
              [this] {
                v4_.schedule();
                answer(AF_INET6);
              }),
          v4_(resolver.loop_, [this] { answer(AF_INET); }) {
      v6_.schedule();
    }

   private:
    void answer(int family) {
      const OnAnswer tell = on_answer_;  // outlives us
      tell(family, resolver_.answerFor(family, host_));
    }
    const PinnedResolver& resolver_;
    std::string host_;
    OnAnswer on_answer_;
    DeferredCall v6_, v4_;
  };

  FamilyAnswer answerFor(int family, const std::string& host) const {
    ResolvedAddresses found;
    for (const Address& address : addresses_) {
      if (address.family() == family) {
        found.addresses.push_back(address);
      }
    }
    if (!found.addresses.empty()) {
      return found;
    }
    DnsFault fault;
    fault.status = DnsStatus::NoData;
    fault.host = host;
    return Failure{std::move(fault)};
  }

  EventLoop& loop_;
  std::vector<Address> addresses_;
};

}  // namespace

std::unique_ptr<Resolver> pinnedResolver(EventLoop& loop, std::vector<Address> addresses) {
  return std::make_unique<PinnedResolver>(loop, std::move(addresses));
}

}  // namespace gatewhy
