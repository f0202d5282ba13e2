// SPDX-License-Identifier: Apache-2.0
// The writing half of Attempt: request head and body, tunnel bytes, and the
// timers that run while an answer is waited for.
#include <algorithm>
#include <cassert>

#include "proxy/exchange/attempt.h"
#include "proxy/net/peer_progress.h"

namespace gatewhy {
namespace {

constexpr std::uint32_t kTcpSlackMs = 250;  // the kernel counts in jiffies, and its clock started a little later

constexpr std::uint64_t kLargeBody = 64UL * 1024;

bool hasLargeBody(const RequestHead& head) {
  return head.body == BodyKind::Chunked || (head.body == BodyKind::Length && head.content_length > kLargeBody);
}

}  // namespace

// ---- writing the request ----------------------------------------------

void Attempt::begin(std::unique_ptr<OriginConnection> connection) {
  state_ = State::Head;
  connection_ = std::move(connection);
  connection_->link->watch.setHandler(this);
  peer_address_ = connection_->peer_address;
  ++connection_->requests;
  connection_->parser.reset();
  connection_->parser.expect(request_.head->method);
  connection_->parser.mendFaults(request_.origin->strictness == Strictness::Report);
  phase_since_ = write_began_ = worker_.loop.turnTime();
  if (!connection_->unsent_bounded && hasLargeBody(*request_.head)) {
    connection_->unsent_bounded = true;
    boundUnsentBytes(connection_->link->transport.fd());
  }
  if (connection_->readable && !reused_) {
    // The peer spoke or closed before it was asked: look before writing.
    pump();
    if (state_ != State::Head) {
      return;
    }
  }
  worker_.scratch.clear();
  appendRequestHead(worker_.scratch, *request_.head, request_.forward);
  ready_ = true;
  if (request_.head->body == BodyKind::None) {
    request_done_ = true;
  }
  write(worker_.scratch.view());
  if (owesContinue() && out_.empty()) {
    expecting_since_ = worker_.loop.turnTime();
    armWait();
  }
  if (state_ == State::Head) {
    observer_.onUploadReady();
  }
}

void Attempt::sendBody(std::string_view data, bool last, std::string_view trailers) {
  if (state_ == State::Done || request_done_) {
    return;
  }
  request_done_ = last;
  stopOwingContinue();
  if (write_fault_) {
    return;  // nobody takes it; the response, or the fault, decides
  }
  if (request_.head->body != BodyKind::Chunked) {
    write(data);
    return;
  }
  TextBuffer& framed = worker_.scratch;
  framed.clear();
  if (!data.empty()) {
    appendChunkSize(framed, data.size());
    framed.append(data);
    framed.append("\r\n");
  }
  if (last) {
    framed.append("0\r\n");
    framed.append(trailers);
    framed.append("\r\n");
  }
  write(framed.view());
}

void Attempt::noteBodyHere() {
  request_.body_here = true;
  upload_.release();
  if (state_ == State::Queued) {
    request_.pool->bodyArrived(*this);  // may begin at once
  }
}

void Attempt::stopOwingContinue() {
  if (owesContinue()) {
    continued_ = true;
    expecting_since_ = TimePoint{};
    if (timer_kind_ == Timer::ResponseHead) {
      timer_.cancel();  // from here the client, or the writing, is waited for
    }
  }
}

// Writes at once what the socket takes; the rest waits in out_ for a wake-up.
void Attempt::write(std::string_view data) {
  if (out_.empty() && !data.empty()) {
    const IoResult sent = connection_->link->transport.write(data.data(), data.size());
    switch (sent.status) {
      case IoStatus::Ok:
        request_bytes_ += sent.size;
        data.remove_prefix(sent.size);
        break;
      case IoStatus::WouldBlock:
        break;
      case IoStatus::Ended:
        onWriteBroken();
        return;
    }
  }
  out_.append(data);
  if (!out_.empty()) {
    watchSend();
  } else if (request_done_) {
    onRequestWritten();
  }
}

void Attempt::watchSend() {
  if (sending_.running()) {
    return;
  }
  sending_.resume(worker_.loop.turnTime(), {.idle = request_.origin->timeouts.send}, std::nullopt);
  timer_kind_ = Timer::Send;
  timer_.arm(sending_.interval());
}

void Attempt::onSendTimer() {
  const Transport& transport = connection_->link->transport;
  const auto look = sending_.look(EventLoop::now(), bytesTakenByPeer(transport, request_bytes_));
  if (look.verdict == ProgressClock::Verdict::Rearm) {
    timer_.arm(sending_.interval());
    return;
  }
  fail(observe(Phase::RequestWrite,
               TimerFault{.timer = Timer::Send,
                          .limit_ms = static_cast<std::uint32_t>(request_.origin->timeouts.send.count()),
                          .elapsed_ms = look.elapsed_ms}));
}

void Attempt::flush() {
  while (out_at_ < out_.size()) {
    const IoResult sent = connection_->link->transport.write(out_.data() + out_at_, out_.size() - out_at_);
    if (sent.status == IoStatus::WouldBlock) {
      return;
    }
    if (sent.status == IoStatus::Ended) {
      onWriteBroken();
      return;
    }
    request_bytes_ += sent.size;
    out_at_ += sent.size;
  }
  out_.clear();
  out_at_ = 0;
  sending_.pause(worker_.loop.turnTime());
  timer_.cancel();
  if (state_ == State::Tunnel) {
    if (tunnel_write_shut_) {
      connection_->link->transport.shutdownWrite();
    }
    armWait();
    observer_.onUploadDrained();
  } else if (request_done_) {
    onRequestWritten();
  } else {
    armWait();
    observer_.onUploadDrained();
  }
}

void Attempt::onRequestWritten() {
  if (write_ended_ == TimePoint{}) {
    std::string().swap(out_);  // gives its room back while the answer is waited for
    write_ended_ = EventLoop::now();
    if (state_ == State::Head) {
      phase_since_ = write_ended_;
    }
  }
  armWait();
}

// The peer refuses our bytes. What it said before that is still readable
// (measured: data first, then ECONNRESET), so reading decides.
void Attempt::onWriteBroken() {
  if (write_fault_) {
    return;
  }
  write_fault_ = connection_->link->transport.fault();
  sending_.pause(worker_.loop.turnTime());
  out_.clear();
  out_at_ = 0;
  if (state_ == State::Head || state_ == State::Body || state_ == State::Tunnel) {
    connection_->readable = true;
    connection_->link->watch.kick();  // not from inside a write that the client's reader called
    armWait();
  }
}

void Attempt::sendTunnel(std::string_view data) {
  if (state_ == State::Tunnel && !write_fault_) {
    write(data);
    if (out_.empty()) {
      armWait();
    }
  }
}

void Attempt::closeTunnelWrite() {
  if (state_ == State::Tunnel && !write_fault_) {
    tunnel_write_shut_ = true;
    if (out_.empty()) {
      connection_->link->transport.shutdownWrite();  // else flush() does, behind the last byte
    }
  }
}

// ---- events -----------------------------------------------------------

void Attempt::onIo(bool readable, bool writable) {
  if (readable) {
    connection_->readable = true;
  }
  if (pending_end_) {
    settleEnd();
    return;
  }
  if (writable && !out_.empty()) {
    flush();
  }
  if (state_ != State::Done && connection_ && connection_->readable) {
    pump();
  }
}

void Attempt::resumeRead() {
  if (connection_ && state_ != State::Done) {
    if (timer_kind_ == Timer::ResponseIdle) {
      armWait();  // the silence was ours
    }
    if (connection_->readable) {
      connection_->link->watch.kick();
    }
  }
}

void Attempt::armWait() {
  const OriginTimeouts& limits = request_.origin->timeouts;
  if (state_ == State::Head) {
    if ((!request_done_ && !owesContinue()) || !out_.empty()) {
      return;  // the client's or the send timer runs
    }
    if (!request_done_) {
      timer_kind_ = Timer::ResponseHead;
      timer_.arm(limits.response_head);
      return;
    }
    timer_kind_ = Timer::ResponseHead;
    // Looked at once after `send`: has the peer's TCP acknowledged the request?
    const bool check_first =
        limits.send.count() != 0 && (limits.response_head.count() == 0 || limits.send < limits.response_head);
    timer_.arm(check_first ? limits.send : limits.response_head);
  } else if (state_ == State::Body) {
    timer_kind_ = Timer::ResponseIdle;
    timer_.arm(limits.response_idle);
  } else if (state_ == State::Tunnel && !sending_.running()) {
    timer_kind_ = Timer::Tunnel;
    timer_.arm(limits.tunnel);
  }
}

void Attempt::onTimer() {
  if (pending_end_) {
    settleEnd();
    return;
  }
  const OriginTimeouts& limits = request_.origin->timeouts;
  const auto timedOut = [&](Phase phase, Timer timer, Millis limit, TimePoint since) {
    fail(observe(phase, TimerFault{.timer = timer,
                                   .limit_ms = static_cast<std::uint32_t>(limit.count()),
                                   .elapsed_ms = millisBetween(since, EventLoop::now())}));
  };
  switch (timer_kind_) {
    case Timer::Queue:
      onQueueTimer();
      return;
    case Timer::Send:
      onSendTimer();
      return;
    case Timer::ResponseHead:
      if (owesContinue()) {
        timedOut(Phase::ResponseHead, Timer::ResponseHead, limits.response_head, phase_since_);
      } else {
        onWaitTimer();
      }
      return;
    case Timer::ResponseIdle:
      if (observer_.clientBlocked()) {
        return;  // the client's own timer runs; resumeRead() starts this one again
      }
      timedOut(Phase::ResponseBody, Timer::ResponseIdle, limits.response_idle, phase_since_);
      return;
    case Timer::Tunnel:
      timedOut(Phase::Upgrade, Timer::Tunnel, limits.tunnel, phase_since_);
      return;
    case Timer::Resolve:
    case Timer::Connect:
    case Timer::TlsHandshake:
    case Timer::Exchange:
    case Timer::ClientTls:
    case Timer::ClientHead:
    case Timer::ClientBody:
    case Timer::ClientWrite:
    case Timer::ClientRate:
      break;  // others' timers
  }
  assert(false && "an attempt does not run this timer");
}

void Attempt::onQueueTimer() {
  const Millis limit = request_.origin->timeouts.connect;
  request_.pool->leaveQueue(*this);
  Observation late = observe(Phase::Routing, TimerFault{.timer = Timer::Queue,
                                                        .limit_ms = static_cast<std::uint32_t>(limit.count()),
                                                        .elapsed_ms = millisBetween(started_, EventLoop::now())});
  if (!request_.body_here) {
    late.bytes.last_line = "its body is still coming: such requests hold at most half of limits.connections";
  }
  fail(std::move(late));
}

// Bytes of the request that the peer's TCP has not acknowledged, with the
// kernel trying (retransmits) or the peer's window shut.
bool Attempt::requestStuck(const TcpSnapshot& tcp) const {
  if (tcp.notsent_bytes == 0 && tcp.unacked == 0) {
    return false;
  }
  const auto limit = static_cast<std::uint32_t>(request_.origin->timeouts.send.count());
  if (tcp.snd_wnd_known && tcp.snd_wnd == 0) {
    return tcp.last_data_sent_ms + kTcpSlackMs >= limit;  // probes of a shut window carry no data
  }
  return tcp.retransmits > 0 && tcp.last_ack_recv_ms + kTcpSlackMs >= limit;
}

// `response_head` runs from when the peer's TCP had the request: what waits for
// its window, or to be acknowledged, is not sent yet.
void Attempt::onWaitTimer() {
  const OriginTimeouts& limits = request_.origin->timeouts;
  const TimePoint now = EventLoop::now();
  const auto tcp = response_bytes_ == 0 ? connection_->link->transport.tcpInfo() : std::nullopt;
  const bool pending = tcp && (tcp->notsent_bytes != 0 || tcp->unacked != 0);
  if (pending) {
    // Bytes move while data goes out and acknowledgements come back: probes of
    // a shut window carry no data, retransmits on a dead path get no answer.
    request_moved_ = now - std::chrono::milliseconds(std::max(tcp->last_data_sent_ms, tcp->last_ack_recv_ms));
  }
  const double waited = millisBetween(std::max(write_ended_, request_moved_), now);
  const auto head_ms = static_cast<double>(limits.response_head.count());
  if (limits.response_head.count() != 0 && waited + 0.5 >= head_ms) {
    fail(observe(Phase::ResponseHead, TimerFault{.timer = Timer::ResponseHead,
                                                 .limit_ms = static_cast<std::uint32_t>(limits.response_head.count()),
                                                 .elapsed_ms = waited}));
    return;
  }
  if (pending && limits.send.count() != 0 && requestStuck(*tcp)) {
    fail(observe(Phase::RequestWrite, TimerFault{.timer = Timer::Send,
                                                 .limit_ms = static_cast<std::uint32_t>(limits.send.count()),
                                                 .elapsed_ms = waited}));
    return;
  }
  Millis next = limits.send;
  if (limits.response_head.count() != 0) {
    const Millis rest(std::max<std::int64_t>(1, limits.response_head.count() - static_cast<std::int64_t>(waited)));
    next = pending && limits.send.count() != 0 ? std::min(limits.send, rest) : rest;
  }
  timer_.arm(next);
}

}  // namespace gatewhy
