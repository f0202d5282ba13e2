// SPDX-License-Identifier: Apache-2.0
#include "daemon/demo/script_session.h"

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <fstream>

#include "daemon/demo/script_head.h"
#include "diagnostics/reason_phrase.h"

namespace gatewhy {
namespace {

using namespace script_head;  // NOLINT(google-build-using-namespace): what a head says

constexpr std::size_t kHeadLimit = 1U << 20U;

bool isRead(const Step& step) {
  return step.kind == StepKind::ReadHead || step.kind == StepKind::ByPath || step.kind == StepKind::Read;
}

}  // namespace

void SignalBoard::raise(const std::string& flag) {
  const std::lock_guard lock(mutex_);
  raised_.insert(flag);
  changed_.notify_all();
}

bool SignalBoard::wait(const std::string& flag) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopped_ || raised_.count(flag) != 0; });
  return raised_.count(flag) != 0;
}

void SignalBoard::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

ScriptSession::ScriptSession(Fd socket, Role role, const SessionEnvironment& environment, SessionRecord& record,
                             std::mutex* record_lock)
    : socket_(std::move(socket), role == Role::Server, environment.stop),
      role_(role),
      environment_(environment),
      record_(record),
      record_lock_(record_lock) {}

template <typename Change>
void ScriptSession::note(Change change) {
  std::unique_lock<std::mutex> lock;
  if (record_lock_ != nullptr) {
    lock = std::unique_lock(*record_lock_);
  }
  change(record_);
}

void ScriptSession::run(const Script& script) {
  std::size_t at = 0;
  Ended ended;
  while (at < script.size() && socket_.open() && !ended) {
    if (script[at].kind != StepKind::Again) {
      ended = step(script[at++]);
      continue;
    }
    const auto read = std::find_if(script.begin(), script.end(), isRead);
    if (read == script.end()) {
      ended = fail("'again' without a read to go back to");
    }
    at = static_cast<std::size_t>(read - script.begin());
  }
  socket_.close();
  note([&](SessionRecord& record) {
    record.end = ended.value_or(SessionEnd::Finished);
    record.error = failure_.empty() && ended ? socket_.error() : failure_;
  });
}

ScriptSession::Ended ScriptSession::step(const Step& step) {
  switch (step.kind) {
    case StepKind::Accept:
    case StepKind::Again:  // run() moves the position
      return std::nullopt;
    case StepKind::Tls:
      return handshake(step);
    case StepKind::H2:
      return beginH2(step);
    case StepKind::Headers:
    case StepKind::Data:
    case StepKind::LastData:
    case StepKind::Trailers:
    case StepKind::RstStream:
    case StepKind::GoAway:
    case StepKind::Settings:
    case StepKind::Ping:
    case StepKind::WindowUpdate:
    case StepKind::Frame:
    case StepKind::Stream:
      return h2_ ? h2_->step(step) : fail(fmt::format("'{}' needs 'h2' before it", name(step.kind)));
    case StepKind::ReadHead:
      return readHead();
    case StepKind::ReadBody:
      return readRequestBody();
    case StepKind::ReadResponse:
      return readResponse();
    case StepKind::Read:
      return readExactly(step.count);
    case StepKind::ByPath:
      return dispatchByPath();
    case StepKind::Send:
      return sendText(step.text);
    case StepKind::SendRaw:
      return socket_.sendBeneathTls(step.text);
    case StepKind::SendFile:
      return sendFile(step.text);
    case StepKind::Repeat:
      return repeat(step.count, step.text);
    case StepKind::Respond:
      return respond(step.count, step.text);
    case StepKind::Echo:
      return respond(200, last_head_);
    case StepKind::Pause:
      return socket_.pause(step.duration);
    case StepKind::Signal:
    case StepKind::Wait:
      return signalOrWait(step);
    case StepKind::Run:
      return environment_.on_run && environment_.on_run(step.text) ? std::nullopt : fail("could not run: " + step.text);
    case StepKind::CloseNotify:
      socket_.closeNotify();
      return std::nullopt;
    case StepKind::Fin:
      socket_.shutdownWrite();
      return std::nullopt;
    case StepKind::Reset:
      socket_.reset();
      return std::nullopt;
    case StepKind::Close:
      socket_.close();
      return std::nullopt;
    case StepKind::Hold:
      return socket_.hold();
    case StepKind::WaitClose:
      return readToEnd();
  }
  return std::nullopt;
}

ScriptSession::Ended ScriptSession::fail(std::string message) {
  failure_ = std::move(message);
  return SessionEnd::Error;
}

ScriptSession::Ended ScriptSession::handshake(const Step& step) {
  static const TlsFiles kNoFiles;
  const Ended ended = socket_.handshake(step, environment_.tls_files != nullptr ? *environment_.tls_files : kNoFiles);
  note([&](SessionRecord& record) {
    record.tls_established = !ended;
    record.alpn = socket_.alpn();
  });
  return ended;
}

ScriptSession::Ended ScriptSession::beginH2(const Step& step) {
  if (role_ == Role::Client) {
    return fail("'h2' is for servers");
  }
  Wire& wire = *this;
  h2_ = std::make_unique<ScriptH2>(wire);
  return h2_->begin(step);
}

ScriptSession::Ended ScriptSession::fill() {
  const std::size_t before = buffer_.size();
  const Ended ended = socket_.receive(buffer_);
  const std::string_view fresh = std::string_view(buffer_).substr(before);
  note([&](SessionRecord& record) { record.received_total += fresh.size(); });
  if (!h2_) {
    record(fresh);
  }
  return ended;
}

void ScriptSession::record(std::string_view text) {
  note([&](SessionRecord& record) {
    record.received.append(text.substr(0, kRecordLimit - std::min(kRecordLimit, record.received.size())));
  });
}

ScriptSession::Ended ScriptSession::readHead() {
  if (h2_) {
    const Ended ended = h2_->readRequest(last_head_);
    note([&](SessionRecord& record) { record.requests += ended ? 0 : 1; });
    return ended;
  }
  std::size_t end_of_head = 0;
  while ((end_of_head = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (buffer_.size() > kHeadLimit) {
      return fail("the head does not end");
    }
    if (const Ended ended = fill()) {
      return ended;
    }
  }
  last_head_ = buffer_.substr(0, end_of_head + 4);
  buffer_.erase(0, end_of_head + 4);
  note([&](SessionRecord& record) { record.requests += role_ == Role::Server ? 1 : 0; });
  return std::nullopt;
}

ScriptSession::Ended ScriptSession::readExactly(std::uint64_t count) {
  while (count > 0) {
    if (buffer_.empty()) {
      if (const Ended ended = fill()) {
        return ended;
      }
    }
    const std::uint64_t taken = std::min<std::uint64_t>(count, buffer_.size());
    buffer_.erase(0, taken);
    count -= taken;
  }
  return std::nullopt;
}

ScriptSession::Ended ScriptSession::readLine(std::string& line) {
  std::size_t end_of_line = 0;
  while ((end_of_line = buffer_.find("\r\n")) == std::string::npos) {
    if (buffer_.size() > kHeadLimit) {
      return fail("the line does not end");
    }
    if (const Ended ended = fill()) {
      return ended;
    }
  }
  line = buffer_.substr(0, end_of_line);
  buffer_.erase(0, end_of_line + 2);
  return std::nullopt;
}

ScriptSession::Ended ScriptSession::readChunks() {
  std::string line;
  std::uint64_t size = 0;
  do {
    if (const Ended ended = readLine(line)) {
      return ended;
    }
    size = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), size, 16).ec != std::errc{}) {
      return fail("not a chunk size: " + line);
    }
    if (const Ended ended = readExactly(size == 0 ? 0 : size + 2)) {
      return ended;
    }
  } while (size != 0);
  do {
    if (const Ended ended = readLine(line)) {
      return ended;
    }
  } while (!line.empty());  // trailers, then the empty line
  return std::nullopt;
}

ScriptSession::Ended ScriptSession::readToEnd() {
  if (h2_) {
    return h2_->readToEnd();
  }
  Ended ended;
  while (!ended) {
    buffer_.clear();
    ended = fill();
  }
  return ended;
}

ScriptSession::Ended ScriptSession::readRequestBody() {
  if (h2_) {
    return h2_->readBody();
  }
  return isChunked(last_head_) ? readChunks() : readExactly(rawLength(last_head_).value_or(0));
}

ScriptSession::Ended ScriptSession::readResponse() {
  unsigned status = 0;
  do {
    if (const Ended ended = readHead()) {
      return ended;
    }
    status = statusOf(last_head_);
  } while (status >= 100 && status < 200 && status != 101);
  if (status == 101 || status == 204 || status == 304 || last_method_ == "HEAD") {
    return std::nullopt;
  }
  if (isChunked(last_head_)) {
    return readChunks();
  }
  const std::optional<std::uint64_t> length = rawLength(last_head_);
  return length ? readExactly(*length) : readToEnd();
}

ScriptSession::Ended ScriptSession::sendText(const std::string& bytes) {
  if (role_ == Role::Client) {
    last_method_ = methodOf(bytes);
  }
  return socket_.send(bytes);
}

ScriptSession::Ended ScriptSession::repeat(std::uint64_t count, const std::string& text) {
  // In batches: a system call per copy of a short text would take seconds.
  constexpr std::size_t kBatch = 65536;
  const std::uint64_t copies = std::min<std::uint64_t>(count, kBatch / std::max<std::size_t>(text.size(), 1) + 1);
  std::string batch;
  for (std::uint64_t i = 0; i < copies; ++i) {
    batch += text;
  }
  while (count > 0) {
    const std::uint64_t now = std::min(count, copies);
    if (const Ended ended = socket_.send(std::string_view(batch).substr(0, now * text.size()))) {
      return ended;
    }
    count -= now;
  }
  return std::nullopt;
}

ScriptSession::Ended ScriptSession::sendFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail("cannot read " + path);
  }
  std::array<char, 65536> chunk;
  while (file.read(chunk.data(), chunk.size()) || file.gcount() > 0) {
    if (const Ended ended = socket_.send({chunk.data(), static_cast<std::size_t>(file.gcount())})) {
      return ended;
    }
  }
  return std::nullopt;
}

ScriptSession::Ended ScriptSession::respond(std::uint64_t status, std::string_view body) {
  const std::string_view type =
      body.starts_with("<!doctype html>") ? "text/html; charset=utf-8" : "text/plain; charset=utf-8";
  const bool to_head = methodOf(last_head_) == "HEAD";
  if (h2_) {
    return h2_->respond(status, type, body, to_head);
  }
  return socket_.send(fmt::format(
      "HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} GMT\r\n"
      "Content-Type: {}\r\nContent-Length: {}\r\n\r\n{}",
      status, reasonPhrase(static_cast<std::uint16_t>(status)), fmt::gmtime(std::chrono::system_clock::now()), type,
      body.size(), to_head ? std::string_view() : body));
}

ScriptSession::Ended ScriptSession::dispatchByPath() {
  if (const Ended ended = readHead()) {
    return ended;
  }
  if (environment_.by_path == nullptr) {
    return fail("this peer keeps no scripts by path");
  }
  const Script* chosen = nullptr;
  std::size_t longest = 0;
  for (const auto& [prefix, script] : *environment_.by_path) {
    if (pathOf(last_head_).substr(0, prefix.size()) == prefix && (chosen == nullptr || prefix.size() > longest)) {
      chosen = &script;
      longest = prefix.size();
    }
  }
  if (chosen == nullptr) {
    return fail("no script for this path");
  }
  Ended ended;
  for (auto at = chosen->begin(); at != chosen->end() && socket_.open() && !ended; ++at) {
    ended = step(*at);
  }
  return ended;
}

ScriptSession::Ended ScriptSession::signalOrWait(const Step& step) {
  if (environment_.signals == nullptr) {
    return fail("there is nobody to signal or to wait for");
  }
  if (step.kind == StepKind::Signal) {
    environment_.signals->raise(step.text);
    return std::nullopt;
  }
  return environment_.signals->wait(step.text) ? std::nullopt : Ended(SessionEnd::Stopped);
}

}  // namespace gatewhy
