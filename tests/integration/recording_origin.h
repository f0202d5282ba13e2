// SPDX-License-Identifier: Apache-2.0
// An origin that keeps every byte it is sent and answers what is well-formed.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tests/integration/http_wire.h"

namespace gatewhy::test {

class RecordingOrigin {
 public:
  RecordingOrigin();

  [[nodiscard]] std::string url() const { return server_.url(); }
  void stop() { server_.stop(); }  // nothing more will come
  // In the order in which they ended, the unfinished ones too.
  [[nodiscard]] std::vector<WireMessage> requests() const;
  // Everything that came, connection by connection.
  [[nodiscard]] std::vector<std::string> transcripts() const;

 private:
  void serve(Socket& connection);

  mutable std::mutex mutex_;
  std::vector<WireMessage> requests_;     // guarded by mutex_
  std::vector<std::string> transcripts_;  // guarded by mutex_
  OriginServer server_;
};

}  // namespace gatewhy::test
