// SPDX-License-Identifier: Apache-2.0
// Tells whether a file is still the one that was read last.
#pragma once

#include <sys/stat.h>

#include <string>

namespace gatewhy {

class FileStamp {
 public:
  explicit FileStamp(std::string path) : path_(std::move(path)) {}

  // True at the first call and after each change; a file that comes or goes
  // has changed too.
  [[nodiscard]] bool changed() {
    struct stat now {};
    if (stat(path_.c_str(), &now) != 0) {
      now = {};
    }
    const bool same = known_ && now.st_ino == seen_.st_ino && now.st_dev == seen_.st_dev &&
                      now.st_size == seen_.st_size && now.st_mtim.tv_sec == seen_.st_mtim.tv_sec &&
                      now.st_mtim.tv_nsec == seen_.st_mtim.tv_nsec && now.st_ctim.tv_sec == seen_.st_ctim.tv_sec &&
                      now.st_ctim.tv_nsec == seen_.st_ctim.tv_nsec;  // a chmod may have made it readable
    seen_ = now;
    known_ = true;
    return !same;
  }

 private:
  std::string path_;
  struct stat seen_ {};
  bool known_ = false;
};

}  // namespace gatewhy
