// SPDX-License-Identifier: Apache-2.0
// Which configuration an instance runs on, in a word short enough to compare by eye.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace gatewhy {

// SHA-256 over the contents of the main file and of the included ones, in the
// order in which they are read. Names and environment variables do not count:
// the same files give the same word on every machine.
class ConfigHash {
 public:
  ConfigHash();
  ~ConfigHash();
  ConfigHash(const ConfigHash&) = delete;
  ConfigHash& operator=(const ConfigHash&) = delete;

  void add(std::string_view content);
  // The first 12 hexadecimal digits; nothing can be added any more.
  [[nodiscard]] std::string digits();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gatewhy
