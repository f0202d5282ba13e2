// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/recording_origin.h"

namespace gatewhy::test {

RecordingOrigin::RecordingOrigin() : server_([this](Socket& connection) { serve(connection); }) {}

std::vector<WireMessage> RecordingOrigin::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::vector<std::string> RecordingOrigin::transcripts() const {
  const std::lock_guard lock(mutex_);
  return transcripts_;
}

void RecordingOrigin::serve(Socket& connection) {
  connection.keepTranscript();
  while (const auto request = readRequest(connection)) {
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(*request);
    }
    const bool head = request->start_line.rfind("HEAD ", 0) == 0;
    if (!request->complete || !connection.send(okResponse(head ? "" : "ok"))) {
      break;
    }
  }
  const std::lock_guard lock(mutex_);
  transcripts_.push_back(connection.transcript());
}

}  // namespace gatewhy::test
