// SPDX-License-Identifier: Apache-2.0
// DNS answers for as long as they may be believed. The caller tells the time.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "proxy/loop/event_loop.h"
#include "proxy/net/resolver.h"

namespace gatewhy {

class DnsCache {
 public:
  // `lifetime` 0: not kept. `family` is AF_INET or AF_INET6.
  void put(const std::string& host, int family, const FamilyAnswer& answer, std::chrono::seconds lifetime,
           TimePoint now);
  // nullptr: unknown or expired. Valid until the next put(). `remaining` is
  // what is left of the answer's life.
  struct Hit {
    const FamilyAnswer* answer = nullptr;
    std::chrono::seconds remaining{0};
  };
  [[nodiscard]] Hit get(const std::string& host, int family, TimePoint now) const;

 private:
  struct Entry {
    FamilyAnswer answer;
    TimePoint expires;
  };
  void makeRoom(TimePoint now);

  std::unordered_map<std::string, Entry> entries_;
};

// How long an answer may be kept: a positive one for its TTL, at most an hour;
// the absence of a name or of its addresses for what the zone's SOA says
// (`negative_ttl_s`), at most 5 s; a failure not at all, so that the first
// request after it works. Equal questions at once are one query anyway.
[[nodiscard]] std::chrono::seconds cacheLifetime(const FamilyAnswer& answer,
                                                 std::optional<std::uint32_t> negative_ttl_s);

}  // namespace gatewhy
