// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/nats_sink.h"

#include <poll.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "daemon/log/event_subject.h"
#include "daemon/log/nats_link.h"

namespace gatewhy {
namespace {

constexpr std::size_t kMostInBatch = 1000;
constexpr std::int64_t kAckWait = 5000;  // milliseconds, for a whole batch

// What the library's threads tell of messages that were not stored.
class PublishFailures {
 public:
  // Lives as long as the process, as the library's threads may.
  static PublishFailures& make() {
    static auto& guard = *new std::mutex;
    static auto& all = *new std::list<PublishFailures>;
    const std::lock_guard lock(guard);
    return all.emplace_back();
  }
  static void onError(jsCtx* /*context*/, jsPubAckErr* error, void* closure) {
    static_cast<PublishFailures*>(closure)->note(*error);
  }

  void clear() {
    const std::lock_guard lock(mutex_);
    problem_.reset();
    too_large_ = 0;
  }
  [[nodiscard]] std::optional<std::string> problem() {
    const std::lock_guard lock(mutex_);
    return problem_;
  }
  [[nodiscard]] std::uint64_t tooLarge() {
    const std::lock_guard lock(mutex_);
    return too_large_;
  }

 private:
  void note(const jsPubAckErr& error) {
    const std::lock_guard lock(mutex_);
    if (error.ErrCode == JSStreamMessageExceedsMaximumErr) {
      ++too_large_;
    } else if (error.Err == NATS_NO_RESPONDERS) {
      problem_ = "no stream takes these events now (gatewhy fleet init makes one)";
    } else if (!problem_) {
      problem_ = error.ErrText != nullptr ? error.ErrText : natsStatus_GetText(error.Err);
    }
  }

  std::mutex mutex_;
  std::optional<std::string> problem_;
  std::uint64_t too_large_ = 0;
};

class NatsSink final : public LogDestination {
 public:
  NatsSink(const LogPlace& place, const LogTarget& target)
      : name_(place.name), server_{.url = place.url, .credentials = target.credentials, .tls = target.tls} {}

  WriteResult write(std::string_view lines) override {
    if (!link_ && !connect()) {
      return {.status = WriteStatus::Failed, .reason = problem_};
    }
    failures_.clear();
    WriteResult result;
    std::size_t published = 0;
    while (result.size < lines.size() && published++ < kMostInBatch) {
      const std::string_view rest = lines.substr(result.size);
      const std::string_view line = rest.substr(0, rest.find('\n'));
      const natsStatus status = publish(line);
      if (status == NATS_MAX_PAYLOAD) {
        ++result.refused;
      } else if (status != NATS_OK) {
        return giveUp(natsProblem(status));
      }
      result.size += std::min(line.size() + 1, rest.size());
    }
    jsPubOptions wait;
    jsPubOptions_Init(&wait);
    wait.MaxWait = kAckWait;
    const natsStatus status = js_PublishAsyncComplete(link_->context.get(), &wait);
    if (const auto problem = failures_.problem()) {
      return giveUp(*problem);
    }
    if (status != NATS_OK) {
      return giveUp("not acknowledged: " + natsProblem(status));
    }
    result.refused += failures_.tooLarge();
    return result;
  }

  void awaitRoom(int timeout_ms) override { ::poll(nullptr, 0, timeout_ms); }
  [[nodiscard]] std::string name() const override { return name_; }

 private:
  bool connect() {
    jsOptions options;
    jsOptions_Init(&options);
    options.PublishAsync.MaxPending = static_cast<std::int64_t>(kMostInBatch) + 1;
    options.PublishAsync.ErrHandler = PublishFailures::onError;
    options.PublishAsync.ErrHandlerClosure = &failures_;
    auto made = connectNats(server_, &options);
    if (!made) {
      problem_ = made.error();
      return false;
    }
    link_ = std::move(made).value();
    return true;
  }

  natsStatus publish(std::string_view line) {
    const FleetEvent event = fleetEvent(line);
    natsMsg* made = nullptr;
    natsStatus status =
        natsMsg_Create(&made, eventSubject(event.subject).c_str(), nullptr, line.data(), static_cast<int>(line.size()));
    if (status != NATS_OK) {
      return status;
    }
    jsPubOptions options;
    jsPubOptions_Init(&options);
    const std::string id = event.messageId();
    options.MsgId = event.boot_id.empty() ? nullptr : id.c_str();
    status = js_PublishMsgAsync(link_->context.get(), &made, &options);
    natsMsg_Destroy(made);  // null where the library has taken it
    return status;
  }

  // What was not acknowledged is ours again, and is sent anew with the rest.
  WriteResult giveUp(std::string problem) {
    natsMsgList pending{};
    if (js_PublishAsyncGetPendingList(&pending, link_->context.get()) == NATS_OK) {
      natsMsgList_Destroy(&pending);
    }
    const natsConnStatus status = natsConnection_Status(link_->connection.get());
    if (status == NATS_CONN_STATUS_CLOSED || status == NATS_CONN_STATUS_DISCONNECTED) {
      link_.reset();
    }
    return {.status = WriteStatus::Failed, .reason = std::move(problem)};
  }

  const std::string name_;
  const NatsServer server_;
  std::string problem_;
  PublishFailures& failures_ = PublishFailures::make();
  std::optional<NatsLink> link_;
};

}  // namespace

std::unique_ptr<LogDestination> makeNatsSink(const LogPlace& place, const LogTarget& target) {
  return std::make_unique<NatsSink>(place, target);
}

}  // namespace gatewhy
