// SPDX-License-Identifier: Apache-2.0
// The writing half of ClientConnection, and its end.
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>

#include "proxy/exchange/client_connection.h"
#include "proxy/net/peer_progress.h"

namespace gatewhy {
namespace {

constexpr std::size_t kGatherFrom = 8192;
constexpr std::chrono::milliseconds kLingerTime{5000};
constexpr std::chrono::milliseconds kSettleTime{1000};

}  // namespace

// ---- writing ----------------------------------------------------------

void ClientConnection::send(std::string_view bytes, bool hold) {
  if (state_ == State::Closed || write_broken_) {
    return;
  }
  if (hold || out_at_ < out_.size()) {
    held_ = held_ || (hold && out_at_ == out_.size());
    out_.append(bytes);
    if (held_ && !hold) {
      flush();
    }
    return;
  }
  const IoResult sent =
      bytes.empty() ? IoResult{.status = IoStatus::WouldBlock} : transport_.write(bytes.data(), bytes.size());
  if (sent.status == IoStatus::Ended) {
    write_broken_ = true;
    watch_.kick();  // told from the loop, not from inside the exchange's call
    return;
  }
  written_ += sent.size;
  out_.append(bytes.substr(sent.size));
  if (!out_.empty()) {
    accountBuffers();
    updateTimers();
  }
}

void ClientConnection::sendData(std::string_view data, std::string_view tail) {
  const bool nothing_blocked = held_ || out_at_ == out_.size();
  if (data.size() < kGatherFrom || !nothing_blocked || state_ == State::Closed || write_broken_ ||
      (pipe_ && pipe_->held() != 0)) {
    // A small copy is cheaper than a call with parts.
    send(data, !tail.empty());
    if (!tail.empty()) {
      send(tail, true);
    }
    return;
  }
  held_ = false;
  const std::string_view head = std::string_view(out_).substr(out_at_);
  const IoResult sent = transport_.writeGathered({head, data, tail});
  if (sent.status == IoStatus::Ended) {
    write_broken_ = true;
    watch_.kick();
    return;
  }
  written_ += sent.size;
  std::size_t left = sent.size;
  const auto unsent = [&left](std::string_view part) {
    const std::size_t gone = std::min(left, part.size());
    left -= gone;
    return part.substr(gone);
  };
  out_at_ += head.size() - unsent(head).size();
  if (out_at_ == out_.size()) {
    out_.clear();
    out_at_ = 0;
  }
  out_.append(unsent(data));
  out_.append(unsent(tail));
  if (!out_.empty()) {
    accountBuffers();
    updateTimers();
  }
}

void ClientConnection::flush() {
  held_ = false;
  while (out_at_ < out_.size() && !write_broken_) {
    const IoResult sent = transport_.write(out_.data() + out_at_, out_.size() - out_at_);
    if (sent.status == IoStatus::WouldBlock) {
      updateTimers();
      return;
    }
    if (sent.status == IoStatus::Ended) {
      write_broken_ = true;
      watch_.kick();
      return;
    }
    out_at_ += sent.size;
    written_ += sent.size;
  }
  if (pipe_ && !write_broken_) {
    flushPipe();
    if (unsent()) {
      return;
    }
  }
  const bool last = write_shut_ && !out_.empty() && !write_broken_;
  out_.clear();
  out_at_ = 0;
  if (request_) {
    watchDownload(false);
  }
  if (last) {
    transport_.shutdownWrite();
  }
}

SplicePipe* ClientConnection::splicePipe() {
  if (copies_ || write_broken_ || transport_.tls()) {
    return nullptr;
  }
  if (!pipe_) {
    pipe_ = worker_.pipes.take();
    copies_ = !pipe_;
    if (pipe_) {
      unboundUnsentBytes(transport_.fd());
    }
  }
  return pipe_.get();
}

// out_ is empty: what the pipe holds is next.
void ClientConnection::flushPipe() {
  while (pipe_->held() != 0) {
    const SpliceResult sent = transport_.writeFrom(*pipe_);
    switch (sent.status) {
      case SpliceStatus::Ok:
        written_ += sent.size;
        break;
      case SpliceStatus::WouldBlock:
        updateTimers();
        return;
      case SpliceStatus::Ended:
        write_broken_ = true;
        watch_.kick();
        return;
      case SpliceStatus::Unsupported:
        copies_ = true;
        out_.clear();
        out_at_ = 0;
        if (pipe_->drainTo(out_)) {
          flush();
        } else {
          write_broken_ = true;  // bytes are lost: the message must not go on
          watch_.kick();
        }
        return;
    }
  }
}

void ClientConnection::resumeBody() {
  if (readable_ || !in_.empty()) {
    watch_.kick();
  } else {
    updateTimers();
  }
}

void ClientConnection::openTunnel() {
  watchUpload(false);
  resumeBody();
}

void ClientConnection::shutdownWrite() {
  write_shut_ = true;
  if (!unsent()) {
    transport_.shutdownWrite();  // else flush() does, behind the last byte
  }
}

std::optional<bool> ClientConnection::delivered() {
  const auto tcp = transport_.tcpInfo();
  std::optional<bool> known;
  // What is acknowledged has arrived, whatever became of the connection since;
  // our own FIN takes a place in the sequence too.
  if (!tcp || transport_.unsentBytes() <= (write_shut_ ? 1 : 0)) {
    known = true;
  } else if (tcp->state == TCP_CLOSE || write_broken_) {
    known = false;
  }
  if (known) {
    settling_ = false;
    read_timer_.cancel();
  } else if (!settling_) {
    settling_ = true;
    read_timer_.arm(kSettleTime);
  }
  return known;
}

// ---- the end ----------------------------------------------------------

void ClientConnection::finishExchange(Disposition disposition) {
  flush();
  read_timer_.cancel();
  settling_ = false;
  const bool whole = exchange_->bodyDone();
  worker_.loop.deferDelete(std::move(exchange_));
  returnRequest();
  switch (disposition) {
    case Disposition::KeepAlive:
      state_ = State::Head;
      read_timer_kind_ = Timer::ClientHead;
      read_timer_since_ = worker_.loop.turnTime();
      read_timer_.arm(worker_.generation->shared->config->limits.client_idle_timeout);
      if (in_.empty()) {
        beIdle();
      }
      if (!pumping_ && (!in_.empty() || readable_ || half_closed_)) {
        watch_.kick();
      }
      return;
    case Disposition::Close:
      if (whole && in_.empty() && !transport_.tls() && !readable_) {
        close();  // nothing unread: close() sends FIN, not RST
      } else {
        linger();
      }
      return;
    case Disposition::Reset:
      transport_.resetOnClose();
      close();
      return;
    case Disposition::Drop:
      close();
      return;
  }
}

void ClientConnection::beIdle() {
  worker_.idle.add(*this, worker_.loop.turnTime());
}

// Its place is wanted now: no lingering. What it may have on the way finds a
// closed connection, as after any idle time-out, and is sent again.
bool ClientConnection::giveWay() {
  char byte = 0;
  if (::recv(transport_.fd(), &byte, 1, MSG_PEEK) > 0) {
    return false;
  }
  transport_.shutdownWrite();
  close();
  return true;
}

// Closing with unread bytes would send RST and could take the answer away from
// the client (RFC 9112 section 9.6): shut our side, read what still comes.
void ClientConnection::linger() {
  if (state_ == State::Closed) {
    return;
  }
  beBusy();
  state_ = State::Linger;
  in_.clear();
  transport_.shutdownWrite();
  read_timer_.arm(kLingerTime);
  if (half_closed_) {
    close();
  } else {
    watch_.kick();
  }
}

void ClientConnection::drain(std::chrono::milliseconds grace) {
  // Also one that has just been accepted: its first request may be on its way.
  if (state_ == State::Head && !requestStarted()) {
    read_timer_.arm(std::max(grace, std::chrono::milliseconds(1)));
  }
}

void ClientConnection::abortForDrain() {
  if (exchange_) {
    exchange_->onDrainDeadline();
  } else {
    close();
  }
}

void ClientConnection::close() {
  if (state_ == State::Closed) {
    return;
  }
  state_ = State::Closed;
  beBusy();
  leaveHandshakeGate();
  counted_.release();
  read_timer_.cancel();
  watch_.stop();
  transport_.close();
  if (exchange_) {
    worker_.loop.deferDelete(std::move(exchange_));
  }
  returnRequest();
  owner_.onConnectionClosed(*this);  // the last word: we are buried
}

}  // namespace gatewhy
