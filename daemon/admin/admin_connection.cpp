// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/admin_connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <iterator>

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kIdle{10000};      // for a request to begin; whoever asks less often connects again
constexpr std::chrono::milliseconds kHead{10000};      // for a head that has begun
constexpr std::chrono::milliseconds kProgress{15000};  // for a reader that does not read
constexpr std::chrono::milliseconds kHeartbeat{15000};
constexpr std::size_t kEventsAtOnce = 64;

}  // namespace

AdminConnection::AdminConnection(EventLoop& loop, AdminConnectionHost& host, Fd fd)
    : loop_(loop), host_(host), fd_(std::move(fd)), timer_(loop, [this] { close(); }), dialogue_(host) {}

AdminConnection::~AdminConnection() {
  watch_.stop();
}

void AdminConnection::start() {
  if (!watch_.start(loop_, fd_.get(), this)) {
    close();
    return;
  }
  timer_.arm(kIdle);
  pump();
}

void AdminConnection::onIo(bool /*readable*/, bool /*writable*/) {
  pump();
}

// Edge-triggered: goes on until the kernel has nothing to give or takes no
// more. After each answer the others have their turn, however many requests are
// here already.
void AdminConnection::pump() {
  while (!closed_ && !waits_) {
    if (waiting() != 0) {
      switch (flush()) {
        case Flushed::All:
          if (close_after_ && !stream_) {
            break;
          }
          watch_.kick();
          return;
        case Flushed::Part:
        case Flushed::Closed:
          return;
      }
    }
    if (close_after_ && !stream_) {
      close();
      return;
    }
    if (input_.empty() && !receive()) {
      return;
    }
    if (stream_) {
      input_.clear();  // a reader of events has nothing more to say
      continue;
    }
    const bool fresh = !dialogue_.inRequest();
    AdminDialogue::Step step = dialogue_.take(input_);
    input_.erase(0, step.consumed);
    switch (step.status) {
      case AdminDialogue::Status::NeedMore:
        if (fresh && dialogue_.inRequest()) {
          timer_.arm(kHead);
        }
        break;
      case AdminDialogue::Status::Waits:
        waits_ = true;
        timer_.arm(kProgress);
        host_.awaitTurn(*this);
        break;
      case AdminDialogue::Status::Answered:
        say(std::move(step));
        break;
    }
  }
}

void AdminConnection::answer() {
  waits_ = false;
  say(dialogue_.answer());
  pump();
}

void AdminConnection::say(AdminDialogue::Step step) {
  close_after_ = step.close;
  output_ += step.answer;
  timer_.arm(kProgress);
  if (step.stream) {
    beginStream(std::move(*step.stream));
  }
}

AdminConnection::Standing AdminConnection::standing() const {
  if (stream_) {
    return Standing::Streams;
  }
  return waiting() != 0 ? Standing::AwaitsReader : Standing::AwaitsRequest;
}

bool AdminConnection::receive() {
  const std::span<char> buffer = loop_.readBuffer();
  for (;;) {
    const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (size > 0) {
      input_.append(buffer.data(), static_cast<std::size_t>(size));
      return true;
    }
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size == 0 || errno != EAGAIN) {
      close();
    }
    return false;
  }
}

AdminConnection::Flushed AdminConnection::flush() {
  while (waiting() != 0) {
    const ssize_t size = ::send(fd_.get(), output_.data() + sent_, waiting(), MSG_NOSIGNAL);
    if (size > 0) {
      sent_ += static_cast<std::size_t>(size);
      last_progress_ = EventLoop::now();
      timer_.arm(kProgress);
      continue;
    }
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size < 0 && errno == EAGAIN) {
      return Flushed::Part;
    }
    close();
    return Flushed::Closed;
  }
  std::string().swap(output_);  // one large answer is not kept for the next, small one
  sent_ = 0;
  if (stream_) {
    timer_.cancel();  // the heartbeat finds out who is gone
  } else {
    timer_.arm(kIdle);
  }
  return Flushed::All;
}

// ---- streams ----------------------------------------------------------

void AdminConnection::beginStream(EventStreamStart start) {
  stream_ = std::move(start);
  output_ += "retry: 2000\n\n";
  last_sent_ = EventLoop::now();
  host_.onStreamStarted();
  feedStream();
}

// A reader gets as much as it takes: nothing is queued for one that is slow.
// What was overwritten meanwhile is a gap, counted and told.
void AdminConnection::feedStream() {
  if (closed_ || !stream_ || waiting() != 0 || !host_.mayBuffer()) {
    return;
  }
  const RecentFailures::Page page = host_.failures().after(stream_->since, stream_->filter, kEventsAtOnce);
  if (page.missed != 0) {
    host_.onStreamGap(page.missed);
    fmt::format_to(std::back_inserter(output_), "event: gap\ndata: {{\"missed\":{}}}\n\n", page.missed);
  }
  for (const FailurePtr& record : page.records) {
    fmt::format_to(std::back_inserter(output_), "id: {}\nevent: failure\ndata: {{\"id\":{},{}\n\n", record->id,
                   record->id, std::string_view(record->json).substr(1));
  }
  stream_->since = page.next;
  if (output_.empty() && EventLoop::now() - last_sent_ >= kHeartbeat) {
    output_ += ": still here\n\n";
  }
  if (!output_.empty()) {
    last_sent_ = EventLoop::now();
    timer_.arm(kProgress);
    pump();
  }
}

void AdminConnection::close() {
  if (!closed_) {
    closed_ = true;
    timer_.cancel();
    watch_.stop();
    host_.onClosed(*this);  // the last word: we are buried
  }
}

}  // namespace gatewhy
