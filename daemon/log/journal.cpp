// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/journal.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

// The journal's own "where did this come from" fields would name this file.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "diagnostics/cause.h"
#include "diagnostics/cause_id.h"

namespace gatewhy {
namespace {

// Empty where the event does not have it as text.
std::string_view textAt(const nlohmann::json& event, const char* pointer) {
  const nlohmann::json::json_pointer path(pointer);
  return event.contains(path) && event.at(path).is_string()
             ? std::string_view(event.at(path).get_ref<const std::string&>())
             : std::string_view();
}

// Syslog's numbers (RFC 5424 section 6.2.1).
std::string_view priorityOf(std::string_view severity) {
  return severity == "ERROR" ? "3" : severity == "WARN" ? "4" : severity == "DEBUG" ? "7" : "6";
}

constexpr const char* kJournalSocket = "/run/systemd/journal/socket";

class Journal : public LogDestination {
 public:
  WriteResult write(std::string_view lines) override {
    // The library reports success where nobody listens.
    if (::access(kJournalSocket, F_OK) != 0) {
      return {.status = WriteStatus::Failed, .error = errno, .reason = "no journal runs on this machine"};
    }
    const std::string_view line = lines.substr(0, lines.find('\n'));
    std::vector<std::string> fields = journalFields(line);
    std::vector<iovec> parts;
    parts.reserve(fields.size());
    for (std::string& field : fields) {
      parts.push_back({field.data(), field.size()});
    }
    const int sent = ::sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
    if (sent == -EAGAIN || sent == -EINTR) {
      return {.status = WriteStatus::WouldBlock};
    }
    if (sent < 0) {
      return {.status = WriteStatus::Failed, .error = -sent};
    }
    return {.status = WriteStatus::Ok, .size = std::min(line.size() + 1, lines.size())};
  }
  void awaitRoom(int timeout_ms) override { ::poll(nullptr, 0, timeout_ms); }
  [[nodiscard]] std::string name() const override { return "the journal"; }
};

}  // namespace

std::vector<std::string> journalFields(std::string_view line) {
  std::vector<std::string> fields = {fmt::format("MESSAGE={}", line), "SYSLOG_IDENTIFIER=gatewhy"};
  const auto event = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!event.is_object()) {
    return fields;
  }
  const auto add = [&fields](std::string_view key, std::string_view value) {
    if (!value.empty()) {
      fields.push_back(fmt::format("{}={}", key, value));
    }
  };
  const std::string_view cause = textAt(event, "/diagnosis/cause");
  add("PRIORITY", priorityOf(textAt(event, "/severity")));
  if (const auto known = causeByName(cause)) {
    add("MESSAGE_ID", messageId(*known));
  }
  add("GATEWHY_EVENT", textAt(event, "/event"));
  add("GATEWHY_CAUSE", cause);
  add("GATEWHY_SUMMARY", textAt(event, "/diagnosis/summary"));
  add("GATEWHY_BLAME", textAt(event, "/diagnosis/blame"));
  add("GATEWHY_REQUEST_ID", textAt(event, "/request_id"));
  add("GATEWHY_ORIGIN", textAt(event, "/origin"));
  add("GATEWHY_ENDPOINT", textAt(event, "/endpoint"));
  add("GATEWHY_ROUTE", textAt(event, "/route"));
  return fields;
}

std::unique_ptr<LogDestination> makeJournal() {
  return std::make_unique<Journal>();
}

}  // namespace gatewhy
