// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/log_sink.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

#include "config/log_place.h"
#include "daemon/log/log_writer.h"
#include "daemon/log/spool_sender.h"

namespace gatewhy {
namespace {

constexpr std::size_t kQueueBytes = 8UL * 1024 * 1024;
constexpr std::uint64_t kSpoolBytes = 1024UL * 1024 * 1024;
constexpr std::chrono::milliseconds kNetworkStopTime{5000};

// The writer's side of a spool.
class IntoSpool final : public LogDestination {
 public:
  IntoSpool(std::shared_ptr<Spool> spool, std::string name) : spool_(std::move(spool)), name_(std::move(name)) {}
  WriteResult write(std::string_view lines) override { return spool_->append(lines); }
  void awaitRoom(int timeout_ms) override { spool_->awaitRoom(std::chrono::milliseconds(timeout_ms)); }
  [[nodiscard]] std::string name() const override { return name_; }

 private:
  std::shared_ptr<Spool> spool_;
  std::string name_;
};

}  // namespace

std::chrono::milliseconds stopTime(const LogTarget& target) {
  if (target.stop_timeout.count() != 0) {
    return target.stop_timeout;
  }
  const auto place = parseLogPlace(target.to);
  return place && isRemote(place->kind) && target.spool.directory.empty() ? kNetworkStopTime : LogWriter::kStopTime;
}

Result<std::unique_ptr<LogSink>, std::string> LogSink::open(const LogTarget& target, EventFormat format,
                                                            const std::string& boot) {
  auto destination = openLogDestination(target);
  if (!destination) {
    return Failure<std::string>{destination.error()};
  }
  const auto place = parseLogPlace(target.to);
  const bool numbered = place && (place->kind == LogKind::Nats || place->kind == LogKind::Otlp);
  Options options{.format = format,
                  .queue_bytes = kQueueBytes,
                  .success_percent = target.success_percent,
                  .boot = numbered ? boot : std::string(),
                  .fleet = place && place->kind == LogKind::Nats,
                  .spool = {},
                  .stop_time = stopTime(target)};
  if (!target.spool.directory.empty()) {
    auto spool = Spool::open(target.spool.directory, target.spool.size == 0 ? kSpoolBytes : target.spool.size);
    if (!spool) {
      return Failure<std::string>{spool.error()};
    }
    options.spool = std::move(*spool);
  } else if (target.spool.size != 0) {
    options.queue_bytes = target.spool.size;
  }
  return std::make_unique<LogSink>(std::move(*destination), std::move(options));
}

LogSink::LogSink(std::unique_ptr<LogDestination> destination, Options options)
    : name_(destination->name()),
      format_(options.format),
      fleet_(options.fleet),
      stop_time_(options.stop_time),
      percent_(options.success_percent),
      queue_(std::make_shared<LogQueue>(options.queue_bytes)),
      spool_(std::move(options.spool)) {
  // The threads' work is copied into std::function, which takes no unique_ptr.
  std::shared_ptr<LogDestination> own(std::move(destination));
  if (spool_) {
    start(sender_, "gatewhy-spool",
          [sender = std::make_shared<SpoolSender>(spool_, own, stop_time_)] { sender->run(); });
    own = std::make_shared<IntoSpool>(spool_, name_);
  }
  start(writer_, "gatewhy-log",
        [writer = std::make_shared<LogWriter>(queue_, std::move(own), format_, options.boot, stop_time_)] {
          writer->run();
        });
}

// A thread inherits the mask: no signal is to be handled on it, and a SIGPIPE
// of its own must not end the process. So do the threads of libraries that it
// starts.
void LogSink::start(std::thread& thread, std::string_view name, std::function<void()> work) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread = std::thread([name = std::string(name), work = std::move(work)] {
    pthread_setname_np(pthread_self(), name.c_str());
    work();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// A write to a dead network file system cannot be interrupted; the process
// must be able to end all the same.
void LogSink::end(std::thread& thread, bool stopped) {
  if (stopped) {
    thread.join();
  } else {
    thread.detach();
  }
}

LogSink::~LogSink() {
  queue_->requestStop();
  end(writer_, queue_->awaitStopped(2 * stop_time_));
  if (spool_) {
    spool_->requestStop();
    end(sender_, spool_->awaitStopped(2 * stop_time_));
  }
}

LogSinkState LogSink::state() const {
  LogSinkState state{.name = name_, .dropped = queue_->dropped(), .errors = queue_->errors()};
  if (spool_) {
    state.dropped += spool_->refused();
    state.errors += spool_->errors();
    state.waiting = spool_->size();
  }
  return state;
}

}  // namespace gatewhy
