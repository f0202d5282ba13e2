// SPDX-License-Identifier: Apache-2.0
// One name and one family, asked of the servers in their order until one of
// them knows. Keeps what each server said.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/net/dns_channel.h"
#include "proxy/net/dns_reply.h"
#include "proxy/net/resolver.h"

namespace gatewhy {

class DnsLookup : public std::enable_shared_from_this<DnsLookup> {
 public:
  // `negative_ttl_s` as in DnsReply.
  using OnDone = std::function<void(const FamilyAnswer& answer, std::optional<std::uint32_t> negative_ttl_s)>;
  using Servers = std::vector<std::shared_ptr<DnsChannel>>;

  // `on_done` is called once; it must not destroy the look-up.
  DnsLookup(EventLoop& loop, Servers servers, std::string host, int family, OnDone on_done);
  void start();  // may call on_done
  // What would be reported if nothing more came: servers that have not
  // answered are listed as Timeout with the time they have had.
  [[nodiscard]] DnsFault evidence() const;

 private:
  struct Asked {
    TimePoint at;
    std::optional<DnsStatus> failure;  // nullopt: no answer yet
    double elapsed_ms = 0;
    bool asked_without_edns = false;
  };
  void askNext();
  void ask(std::size_t server);
  void onAnswer(std::size_t server, const RawDnsAnswer& raw);
  void onFailure(std::size_t server, DnsFault fault);
  void finish(const FamilyAnswer& answer, std::optional<std::uint32_t> negative_ttl_s);
  [[nodiscard]] DnsFault withServers(DnsFault fault) const;

  Servers servers_;
  std::string host_;
  int family_;
  OnDone on_done_;
  TimePoint started_;
  std::vector<Asked> asked_;  // by server index
  std::size_t pending_ = 0;
  bool done_ = false;
  std::optional<DnsFault> best_;  // the most informative failure so far
  Deadline patience_;
};

// How much a failure tells, more being better: an answer beats silence, which
// beats an unreachable server. Orders the failures of servers and of families.
[[nodiscard]] int informativeness(DnsStatus status) noexcept;

}  // namespace gatewhy
