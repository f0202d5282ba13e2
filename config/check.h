// SPDX-License-Identifier: Apache-2.0
// What is wrong, or odd, with a configuration that reads well: settings that
// contradict one another, and files that are missing or do not fit.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "config/load.h"
#include "config/reader.h"

namespace gatewhy {

// Collects findings at the place of a value's path ("origins.shop.timeouts");
// for a value that is not written, at the nearest section that is.
class CheckReport {
 public:
  // All must outlive the report.
  // `files`: what positions count from, the main one first.
  CheckReport(const std::vector<std::string>& files, const SourceMap& sources, const BrokenParts& broken,
              std::vector<ConfigProblem>& problems)
      : files_(files), sources_(sources), broken_(broken), problems_(problems) {}

  void error(const std::string& path, std::string message) { add(ProblemLevel::Error, path, std::move(message)); }
  void warning(const std::string& path, std::string message) { add(ProblemLevel::Warning, path, std::move(message)); }
  // Whether the part at `path` has errors, so that it is not what was meant.
  [[nodiscard]] bool broken(const std::string& path) const { return broken_.count(path) != 0; }
  // Whether the value stands where it counts, not in `defaults`: what is said
  // there once for all need not be of use to every one.
  [[nodiscard]] bool written(const std::string& path) const {
    const auto found = sources_.find(path);
    return found != sources_.end() && !found->second.inherited;
  }

 private:
  void add(ProblemLevel level, const std::string& path, std::string message);

  const std::vector<std::string>& files_;
  const SourceMap& sources_;
  const BrokenParts& broken_;
  std::vector<ConfigProblem>& problems_;
};

// Warnings, and errors where no request could ever be served; other
// contradictions that are errors are found while reading.
void checkConsistency(const Config& config, CheckReport& report);
// Of the origin at `path`: health, eject, slow_start, panic; part of the above.
void checkHealth(const OriginConfig& origin, const std::string& path, CheckReport& report);
// What routes refuse; part of the above.
void checkRouteRules(const Config& config, CheckReport& report);
// Paths of routes that look as if they meant a pattern; part of the above.
void checkPathPatterns(const Config& config, CheckReport& report);
// Hosts of routes that no certificate of the listeners is for.
void checkCertificateNames(const Config& config, CheckReport& report);
// Of logins: files of users, and passwords that cross the network in the clear.
void checkUsersFiles(const Config& config, CheckReport& report);
void checkLogins(const Config& config, CheckReport& report);
// Certificates, keys, their match and dates, authorities, directories of log
// files and sockets. The configuration may be incomplete, after errors.
void checkFiles(const Config& config, CheckReport& report);

}  // namespace gatewhy
