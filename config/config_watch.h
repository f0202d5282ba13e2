// SPDX-License-Identifier: Apache-2.0
// Whether the configuration's files have changed, and have stayed as they are
// since. Looks at them (stat(2), which follows links) rather than being told:
// so a rename, an edit in place, a file that is new to a pattern of `include`
// and the link that Kubernetes turns over are all one case. Main thread only.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace gatewhy {

class ConfigWatch {
 public:
  using Clock = std::chrono::steady_clock;

  // What has been loaded, or refused: `main` and the patterns of its `include`,
  // which looked like `known` before they were read (sight()). `now` is passed
  // in for tests.
  void begin(std::string main, std::vector<std::string> patterns, std::string known,
             Clock::time_point now = Clock::now());
  void end() { main_.clear(); }

  // How long until look() is due; nullopt: nothing is watched.
  [[nodiscard]] std::optional<std::chrono::milliseconds> dueIn(Clock::time_point now = Clock::now()) const;
  // True once after each change, when it has been quiet for a second.
  [[nodiscard]] bool look(Clock::time_point now = Clock::now());

  // What tells one state of the files from another.
  [[nodiscard]] static std::string sight(const std::string& main, const std::vector<std::string>& patterns);
  [[nodiscard]] const std::vector<std::string>& patterns() const { return patterns_; }

 private:
  std::string main_;  // "" = nothing is watched
  std::vector<std::string> patterns_;
  std::string known_;  // how the files looked when they were loaded
  std::string last_;   // and when they were looked at last
  Clock::time_point changed_{}, due_{};
};

}  // namespace gatewhy
