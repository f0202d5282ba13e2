// SPDX-License-Identifier: Apache-2.0
// One name in the families that are wanted, asked under each of the names that
// a search list makes of it until one exists. The families go together: what
// has an address in one of them is the name, for both.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/net/dns_lookup.h"

namespace gatewhy {

class NameLookup {
 public:
  // Once for each family, in any order.
  using OnAnswer =
      std::function<void(int family, const FamilyAnswer& answer, std::optional<std::uint32_t> negative_ttl_s)>;

  // `names`: not empty; `written` is the one of them that is in the
  // configuration. `on_answer` must not destroy the look-up.
  NameLookup(EventLoop& loop, DnsLookup::Servers servers, std::string written, std::vector<std::string> names,
             const std::vector<int>& families, OnAnswer on_answer);
  void start();  // may call on_answer
  // What would be reported if nothing more came.
  [[nodiscard]] DnsFault evidence(int family) const;

 private:
  struct Family {
    int family = 0;
    std::shared_ptr<DnsLookup> lookup;   // under the current name
    std::optional<FamilyAnswer> answer;  // of it
    std::optional<std::uint32_t> negative_ttl_s;
    bool told = false;
    // Of the name as written, where that was asked before the last one.
    std::optional<DnsFault> written_fault;
    std::optional<std::uint32_t> written_negative_ttl_s;
  };
  void ask();
  void onAnswer(std::size_t which, const FamilyAnswer& answer, std::optional<std::uint32_t> negative_ttl_s);
  [[nodiscard]] bool isDecided() const;
  void tell(Family& of);
  [[nodiscard]] DnsFault withNames(DnsFault fault) const;

  EventLoop& loop_;
  DnsLookup::Servers servers_;
  std::string written_;
  std::vector<std::string> names_;
  std::size_t at_ = 0;  // the name that is being asked
  std::vector<Family> families_;
  OnAnswer on_answer_;
  std::vector<std::shared_ptr<DnsLookup>> finished_;  // one of them may be calling us
};

}  // namespace gatewhy
