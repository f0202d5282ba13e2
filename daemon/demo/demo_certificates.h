// SPDX-License-Identifier: Apache-2.0
// Throw-away certificates for the demo, made at start in a private temporary
// directory that goes away with the object.
#pragma once

#include <memory>
#include <string>

#include "daemon/demo/script_tls.h"
#include "diagnostics/result.h"

namespace gatewhy {

class DemoCertificates {
 public:
  // Identities: default (for `name`), expired, wrong-name, self-signed.
  // The error is a sentence.
  [[nodiscard]] static Result<std::unique_ptr<DemoCertificates>, std::string> create(const std::string& name);
  ~DemoCertificates();
  DemoCertificates(const DemoCertificates&) = delete;
  DemoCertificates& operator=(const DemoCertificates&) = delete;

  [[nodiscard]] const TlsFiles& files() const { return files_; }
  [[nodiscard]] std::string authorityFile() const { return directory_ + "/ca.pem"; }

 private:
  explicit DemoCertificates(std::string directory) : directory_(std::move(directory)) {}

  std::string directory_;
  TlsFiles files_;
};

}  // namespace gatewhy
