// SPDX-License-Identifier: Apache-2.0
// How much memory this process may use, and how much it does. The limits are
// those that end it: RLIMIT_AS counts addresses, a control group counts pages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/loop/fd.h"

namespace gatewhy {

struct MemoryUse {
  std::uint64_t used = 0;   // bytes
  std::uint64_t limit = 0;  // 0 = none is known
};

// Bytes of /proc/self/statm: "size resident …" in pages.
struct ProcessPages {
  std::uint64_t addresses = 0;
  std::uint64_t resident = 0;
};
[[nodiscard]] std::optional<ProcessPages> readStatm(std::string_view text, std::uint64_t page_size);

// The value of "key N" on a line of a memory.stat; 0 where there is none.
[[nodiscard]] std::uint64_t memoryStat(std::string_view text, std::string_view key);

// The control group's limit that is met first, with the files that say how
// much of it is used. `self` is /proc/self/cgroup's text, `root` where the
// hierarchies are mounted.
struct GroupLimit {
  std::uint64_t bytes = 0;
  std::string usage_file, stat_file;
  std::string cache_key;  // what of it the kernel can take back at once
};
[[nodiscard]] std::optional<GroupLimit> groupLimit(std::string_view self, const std::string& root);

// Gives back to the kernel what is free; the allocator would keep it for a
// while, and we would be refused for what nobody uses.
void returnFreeMemory() noexcept;

class MemoryMeter {
 public:
  // `configured`: limits.memory; 0 = the process's own limits.
  explicit MemoryMeter(std::uint64_t configured);

  [[nodiscard]] bool limited() const noexcept { return !limits_.empty(); }
  // Of the limit that is met first. Some microseconds: three small files at most.
  [[nodiscard]] MemoryUse measure() const;

 private:
  enum class Counted : std::uint8_t { Addresses, Resident, Group };
  struct Limit {
    Counted counted;
    std::uint64_t bytes;
  };
  [[nodiscard]] std::uint64_t used(Counted counted, const ProcessPages& pages) const;

  std::vector<Limit> limits_;
  Fd statm_;
  Fd group_usage_, group_stat_;  // open where the group is ours alone
  std::string cache_key_;
};

}  // namespace gatewhy
