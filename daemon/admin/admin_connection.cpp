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
constexpr HeadLimits kAdminHeadLimits{.section = 16UL * 1024, .start_line = 4096, .field = 8192, .fields = 64};

// What a probe asks is answered whatever else goes on.
bool isProbe(std::string_view path) {
  return path == "/healthz" || path == "/readyz";
}

// No form and no image of another site's page can set a header.
constexpr std::string_view kActionField = "X-Gatewhy-Action";

}  // namespace

AdminConnection::AdminConnection(EventLoop& loop, AdminConnectionHost& host, Fd fd)
    : loop_(loop), host_(host), fd_(std::move(fd)), timer_(loop, [this] { close(); }), parser_(kAdminHeadLimits) {}

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

// Edge-triggered: goes on until the kernel has nothing to give or takes no more.
void AdminConnection::pump() {
  while (!closed_) {
    if (waiting() != 0) {
      switch (flush()) {
        case Flushed::All:
          break;
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
    const bool fresh = !parser_.started();
    const ParseStep step = parser_.feed(input_);
    input_.erase(0, step.consumed);
    switch (step.status) {
      case ParseStatus::NeedMore:
        if (fresh && parser_.started()) {
          timer_.arm(kHead);
        }
        break;
      case ParseStatus::Done:
        onHead();
        break;
      case ParseStatus::Error:
        onMalformed();
        break;
    }
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

void AdminConnection::onMalformed() {
  close_after_ = true;
  send(adminProblem(400, fmt::format("not an HTTP/1.1 request: {} at octet {}", name(parser_.fault().error),
                                     parser_.fault().offset)),
       false);
}

void AdminConnection::onHead() {
  const RequestHead& head = parser_.head();
  const bool body = head.body == BodyKind::Chunked || (head.body == BodyKind::Length && head.content_length != 0);
  close_after_ = body || !head.keep_alive;
  AdminReply reply = body ? adminProblem(413, "requests to the admin listener have no body") : replyTo(head);
  const bool head_only = head.method == Method::Head;
  if (reply.stream && !head_only) {
    if (host_.mayStream()) {
      close_after_ = true;
      std::optional<EventStreamStart> start = std::move(reply.stream);
      reply.stream = start;  // its head has no length
      send(reply, false);
      beginStream(std::move(*start));
      return;
    }
    reply = adminProblem(429, "too many event streams are open");
  }
  send(reply, head_only);
  parser_.reset();
}

AdminReply AdminConnection::replyTo(const RequestHead& head) {
  if (!host_.trustsHost(head.host)) {
    return adminProblem(421, "this name is not known here; admin.hosts lists the names that are");
  }
  AdminRequest request{.head = head, .query = {}};
  auto query = parseQuery(head.query());
  if (!query) {
    return adminProblem(400, "the query is not well-formed");
  }
  request.query = std::move(*query);
  if (head.method == Method::Post && request.field(kActionField).empty()) {
    return adminProblem(403, fmt::format("an action needs the header {}", kActionField));
  }
  if (!host_.mayBuffer() && !isProbe(head.path())) {
    AdminReply busy = adminProblem(503, "too much output is waiting for slow readers");
    busy.fields.emplace_back("Retry-After", "1");
    return busy;
  }
  return host_.answer(request);
}

void AdminConnection::send(const AdminReply& reply, bool head_only) {
  output_ += serialize(reply, close_after_, head_only);
  timer_.arm(kProgress);
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
