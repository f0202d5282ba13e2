// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/socket_output.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <utility>

#include "proxy/net/peer_progress.h"

namespace gatewhy {
namespace {

constexpr std::size_t kGatherFrom = 8192;  // a smaller copy is cheaper than a call with parts
// One read brings several chunks, each with its line: copied together they leave in one call.
constexpr std::size_t kGatherChunkFrom = 32768;

}  // namespace

SocketOutput::Step SocketOutput::breakDown() {
  state_ = State::Broken;
  return Step::Broke;
}

void SocketOutput::clear() {
  bytes_.clear();
  at_ = 0;
}

SocketOutput::Step SocketOutput::send(std::string_view bytes, bool hold) {
  if (broken()) {
    return Step::Kept;
  }
  if (hold || at_ < bytes_.size()) {
    held_ = held_ || (hold && at_ == bytes_.size());
    bytes_.append(bytes);
    return held_ && !hold ? flush() : Step::Kept;
  }
  const IoResult sent =
      bytes.empty() ? IoResult{.status = IoStatus::WouldBlock} : transport_.write(bytes.data(), bytes.size());
  if (sent.status == IoStatus::Ended) {
    return breakDown();
  }
  written_ += sent.size;
  bytes_.append(bytes.substr(sent.size));
  return bytes_.empty() ? Step::Sent : Step::Blocked;
}

SocketOutput::Step SocketOutput::sendData(std::string_view data, std::string_view tail) {
  if (data.size() < (tail.empty() ? kGatherFrom : kGatherChunkFrom) || blocked()) {
    const Step step = send(data, !tail.empty());
    return tail.empty() ? step : send(tail, true);
  }
  held_ = false;
  const std::string_view head = std::string_view(bytes_).substr(at_);
  const IoResult sent = transport_.writeGathered({head, data, tail});
  if (sent.status == IoStatus::Ended) {
    return breakDown();
  }
  written_ += sent.size;
  std::size_t left = sent.size;
  const auto unsent = [&left](std::string_view part) {
    const std::size_t gone = std::min(left, part.size());
    left -= gone;
    return part.substr(gone);
  };
  at_ += head.size() - unsent(head).size();
  if (at_ == bytes_.size()) {
    clear();
  }
  bytes_.append(unsent(data));
  bytes_.append(unsent(tail));
  return bytes_.empty() ? Step::Sent : Step::Blocked;
}

SocketOutput::Step SocketOutput::flush() {
  held_ = false;
  if (broken()) {
    clear();
    return Step::Kept;
  }
  while (at_ < bytes_.size()) {
    const IoResult sent = transport_.write(bytes_.data() + at_, bytes_.size() - at_);
    if (sent.status == IoStatus::WouldBlock) {
      return Step::Blocked;
    }
    if (sent.status == IoStatus::Ended) {
      return breakDown();
    }
    at_ += sent.size;
    written_ += sent.size;
  }
  clear();
  const Step step = pipe_ ? flushPipe() : Step::Sent;
  if (step == Step::Sent && state_ == State::Ending) {
    state_ = State::Ended;
    transport_.shutdownWrite();
  }
  return step;
}

SplicePipe* SocketOutput::splicePipe() {
  if (copies_ || broken() || transport_.tls()) {
    return nullptr;
  }
  if (!pipe_) {
    pipe_ = pipes_.take();
    copies_ = !pipe_;
    if (pipe_) {
      unboundUnsentBytes(transport_.fd());
    }
  }
  return pipe_.get();
}

// Nothing is queued before it.
SocketOutput::Step SocketOutput::flushPipe() {
  while (pipe_->held() != 0) {
    const SpliceResult sent = transport_.writeFrom(*pipe_);
    switch (sent.status) {
      case SpliceStatus::Ok:
        written_ += sent.size;
        break;
      case SpliceStatus::WouldBlock:
        return Step::Blocked;
      case SpliceStatus::Ended:
        return breakDown();
      case SpliceStatus::Unsupported:
        return copyPipe();
    }
  }
  return Step::Sent;
}

SocketOutput::Step SocketOutput::copyPipe() {
  copies_ = true;
  // Where bytes are lost the message must not go on.
  return pipe_->drainTo(bytes_) ? flush() : breakDown();
}

void SocketOutput::shutdownWrite() {
  if (state_ != State::Open) {
    return;
  }
  state_ = State::Ending;
  if (!unsent()) {
    state_ = State::Ended;
    transport_.shutdownWrite();
  }
}

void SocketOutput::endMessage() {
  copies_ = false;
  if (pipe_) {
    pipes_.giveBack(std::move(pipe_));
    boundUnsentBytes(transport_.fd());
  }
}

void SocketOutput::swapBuffer(std::string& spare) {
  if (bytes_.empty()) {
    bytes_.swap(spare);
  }
}

std::optional<bool> SocketOutput::arrived() const {
  const auto tcp = transport_.tcpInfo();
  // What is acknowledged has arrived, whatever became of the connection since;
  // our own FIN takes a place in the sequence too.
  if (!tcp || transport_.unsentBytes() <= (ends() ? 1 : 0)) {
    return true;
  }
  if (tcp->state == TCP_CLOSE || broken()) {
    return false;
  }
  return std::nullopt;
}

}  // namespace gatewhy
