// SPDX-License-Identifier: Apache-2.0
// The origins of `gatewhy demo`, each failing in its own way, and the
// configuration that puts the proxy in front of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/demo/demo_certificates.h"
#include "daemon/demo/script_peer.h"
#include "diagnostics/result.h"

namespace gatewhy {

class DemoOrigin {
 public:
  // Starts everything on ephemeral loopback ports. The error is a sentence.
  [[nodiscard]] static Result<std::unique_ptr<DemoOrigin>, std::string> start();

  // YAML for a daemon on this address; the origins must outlive it.
  [[nodiscard]] std::string configYaml(const std::string& from) const;

  struct Fault {
    const char* path;
    const char* description;
    bool call = false;  // of gRPC: a POST over HTTP/2
  };
  [[nodiscard]] static std::vector<Fault> faults();

 private:
  DemoOrigin() = default;

  std::unique_ptr<DemoCertificates> certificates_;
  std::unique_ptr<ScriptPeer> by_path_;  // picks its script by path
  std::unique_ptr<ScriptPeer> http2_;    // the same over HTTP/2
  std::unique_ptr<ScriptPeer> closed_;   // a port that nobody listens on
  std::unique_ptr<ScriptPeer> full_;     // listens, but its queue is full
  std::unique_ptr<ScriptPeer> tls_;      // a good certificate
  std::unique_ptr<ScriptPeer> expired_;
  std::unique_ptr<ScriptPeer> wrong_name_;
  std::unique_ptr<ScriptPeer> self_signed_;
};

}  // namespace gatewhy
