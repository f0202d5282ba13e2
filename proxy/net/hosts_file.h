// SPDX-License-Identifier: Apache-2.0
// The hosts file (hosts(5)), read again when it changes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proxy/net/address.h"
#include "proxy/net/file_stamp.h"

namespace gatewhy {

class HostsFile {
 public:
  explicit HostsFile(std::string path) : path_(std::move(path)), stamp_(path_) {}

  struct Entry {
    std::vector<Address> v4, v6;  // port 0, in file order
  };
  // `name` in lower case without the final dot; nullptr: the file does not
  // know it. Valid until the next call. An unreadable file knows no name.
  [[nodiscard]] const Entry* find(const std::string& name);
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  void refresh();
  void readLine(std::string_view line);

  std::string path_;
  FileStamp stamp_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace gatewhy
