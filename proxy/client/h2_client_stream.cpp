// SPDX-License-Identifier: Apache-2.0
#include "proxy/client/h2_client_stream.h"

#include <algorithm>
#include <utility>

#include "proxy/client/h2_client_session.h"

namespace gatewhy {
namespace {

constexpr std::uint16_t kSwitching = 101;
constexpr std::uint16_t kConnected = 200;  // what answers an extended CONNECT (RFC 8441 section 5)
constexpr std::string_view kSocketAccept = "sec-websocket-accept";

// RFC 8441 section 5.1: the handshake of HTTP/1.1 has no meaning here.
std::string withoutAccept(std::string_view fields) {
  std::string kept;
  while (!fields.empty()) {
    const std::size_t end = std::min(fields.find("\r\n"), fields.size() - 2) + 2;
    const std::string_view line = fields.substr(0, end);
    if (!equalsIgnoreCase(line.substr(0, line.find(':')), kSocketAccept)) {
      kept.append(line);
    }
    fields.remove_prefix(end);
  }
  return kept;
}

}  // namespace

H2ClientStream::H2ClientStream(H2ClientSession& session, H2StreamId id, RequestHead&& head)
    : session_(session),
      id_(id),
      head_(std::move(head)),
      began_(session.worker().loop.turnTime()),
      upload_(session.worker().loop, Timer::ClientBody, [this] { onUploadLook(); }),
      download_(session.worker().loop, Timer::ClientWrite, [this] { onLook(download_, taken()); }) {
  head_.version_major = 2;
}

// ---- the request ----------------------------------------------------------

void H2ClientStream::begin() {
  exchange_ = session_.host().newExchange(*this, head_);
  exchange_->begin();
  watchProgress();
}

void H2ClientStream::refuse(Fault fault) {
  exchange_ = session_.host().newExchange(*this, head_);
  exchange_->reject(observe(std::move(fault)));
}

void H2ClientStream::refuseSilently(Fault fault) {
  state_ = State::Reset;
  refuse(std::move(fault));
}

void H2ClientStream::onBody(std::string_view data) {
  received_ += data.size();
  if (!exchange_) {
    session_.http2().consume(id_, data.size());
    return;
  }
  if (!held_.empty()) {
    held_.append(data);
    return;
  }
  while (!data.empty() && exchange_ && exchange_->wantsBody()) {
    const std::size_t size = std::min(data.size(), exchange_->inTunnel() ? data.size() : exchange_->bodyRoom());
    hand(data.substr(0, size), false);
    data.remove_prefix(size);
  }
  held_.append(data);
  watchProgress();
}

void H2ClientStream::onEnd(std::string_view trailers) {
  request_ = Request::Ended;
  trailers_ = trailers;
  pump();
}

// Nobody gets the whole body any more: what has come of it and was not taken is dropped.
void H2ClientStream::onShortEnd(const ParseFault& fault) {
  Observation seen = observe(fault);
  request_ = Request::Told;
  session_.http2().consume(id_, held_.size());
  std::string().swap(held_);
  if (exchange_) {
    exchange_->onShortBody(std::move(seen));
  }
  watchProgress();
}

// Body that is handed over has left the windows' account: more may come.
void H2ClientStream::hand(std::string_view data, bool last) {
  const std::size_t size = data.size();
  exchange_->onBody(data, last, last ? trailers_ : std::string_view());
  session_.http2().consume(id_, size);
}

void H2ClientStream::pump() {
  while (exchange_ && exchange_->wantsBody()) {
    if (!held_.empty()) {
      const std::size_t room = exchange_->inTunnel() ? held_.size() : exchange_->bodyRoom();
      std::string part = room < held_.size() ? held_.substr(0, room) : std::string();
      if (part.empty()) {
        part.swap(held_);
      } else {
        held_.erase(0, room);
      }
      const bool last = held_.empty() && request_ == Request::Ended && !exchange_->inTunnel();
      request_ = last ? Request::Told : request_;
      hand(part, last);
      continue;
    }
    if (request_ != Request::Ended) {
      break;
    }
    request_ = Request::Told;
    if (exchange_->inTunnel()) {
      exchange_->onBody({}, true, {});
    } else if (!exchange_->bodyDone()) {
      hand({}, true);
    }
    break;
  }
  watchProgress();
}

void H2ClientStream::onBroken(Fault fault) {
  state_ = State::Reset;
  onFault(std::move(fault));
}

void H2ClientStream::onFault(Fault fault) {
  if (exchange_) {
    exchange_->onClientFault(observe(std::move(fault)));
  }
}

void H2ClientStream::onDrainDeadline() {
  if (exchange_) {
    exchange_->onDrainDeadline();
  }
}

Observation H2ClientStream::observe(Fault fault) const {
  Observation seen{.phase = Phase::ClientRequest, .fault = std::move(fault)};
  seen.elapsed_ms = millisBetween(began_, EventLoop::now());
  seen.tcp = session_.tcpInfo();
  seen.bytes.stream = true;
  if (exchange_) {
    seen.bytes.request_complete = exchange_->bodyDone() || request_ == Request::Told;  // it may have ended short
    seen.bytes.body_received = received_;
    if (!seen.bytes.request_complete && head_.body == BodyKind::Length) {
      seen.bytes.body_expected = head_.content_length;
    }
    seen.bytes.last_line = std::string(head_.methodToken());
  }
  return seen;
}

std::size_t H2ClientStream::holds() const {
  return held_.size() + head_.bytes.size() + (exchange_ ? exchange_->buffered() : 0);
}

// ---- the answer -----------------------------------------------------------

const ClientFacts& H2ClientStream::facts() const {
  return session_.facts();
}

void H2ClientStream::sendInterim(const AnswerHead& head) {
  session_.http2().submitInterim(id_, head.status, head.fields);
  session_.scheduleWrite();
}

void H2ClientStream::sendHead(const AnswerHead& head) {
  answer_ = Answer::Begun;
  if (head.status == kSwitching) {
    session_.http2().submitHead(id_, kConnected, withoutAccept(head.fields), false);
    return;
  }
  const bool ends = head.length == AnswerLength::None || head.length == AnswerLength::Told ||
                    (head.length == AnswerLength::Known && head.content_length == 0);
  if (head.length == AnswerLength::Known) {
    answer_left_ = head.content_length;
  }
  if (ends) {
    answer_ = Answer::Ended;
  }
  session_.http2().submitHead(id_, head.status, head.fields, ends);
  if (head.close) {
    session_.closeSoon();
  }
}

// END_STREAM goes with the last byte where that is known.
void H2ClientStream::sendData(std::string_view data) {
  if (answer_ != Answer::Begun || state_ != State::Open) {
    return;
  }
  if (answer_left_) {
    *answer_left_ -= std::min<std::uint64_t>(*answer_left_, data.size());
  }
  const bool last = answer_left_ == 0U;
  if (last) {
    answer_ = Answer::Ended;
  }
  session_.http2().at(session_.worker().loop.turnTime());
  session_.http2().submitData(id_, data, last);
  session_.scheduleWrite();
  watchProgress();
}

void H2ClientStream::sendEnd(std::string_view data, std::string_view trailers) {
  if (!data.empty()) {
    sendData(data);
  }
  if (answer_ == Answer::Begun && state_ == State::Open) {
    answer_ = Answer::Ended;
    session_.http2().submitEnd(id_, trailers);
  }
  session_.scheduleWrite();
}

void H2ClientStream::flush() {
  session_.scheduleWrite();
}

bool H2ClientStream::sendBlocked() const {
  return state_ == State::Open && (session_.http2().blocked(id_) || session_.socketBlocked());
}

std::optional<ClosedWindow> H2ClientStream::closedWindow() const {
  const auto closed = session_.http2().closedWindow(id_);
  if (!closed) {
    return std::nullopt;
  }
  using Of = ClosedWindow::Of;
  return ClosedWindow{.of = !closed->connection ? Of::Stream
                            : !closed->stream   ? Of::Connection
                                                : Of::Both,
                      .closed_ms = millisBetween(closed->since, EventLoop::now()),
                      .waiting = closed->waiting};
}

void H2ClientStream::resumeBody() {
  session_.schedulePump(id_);
}

void H2ClientStream::onWritable() {
  if (exchange_ && !session_.socketBlocked()) {
    exchange_->onClientDrained();
  }
  watchProgress();
}

void H2ClientStream::onFinished() {
  answer_ = Answer::Finished;
  finished_at_ = session_.http2().produced();
}

bool H2ClientStream::hasAnswered() const {
  return answer_ == Answer::Finished && session_.sent() >= finished_at_;
}

// An answer is over when the client's kernel has it.
std::optional<bool> H2ClientStream::delivered() {
  if (state_ == State::Reset) {
    return true;  // who reset it has said so
  }
  sendEnd({}, {});  // where nothing has: of a tunnel whose client ended first
  if (hasAnswered()) {
    return true;
  }
  state_ = State::Settling;
  session_.awaitSent(id_);
  session_.scheduleWrite();
  watchProgress();
  return std::nullopt;
}

void H2ClientStream::onSent() {
  if (state_ != State::Settling || !exchange_) {
    return;
  }
  if (hasAnswered()) {
    exchange_->onSettled(true);
  } else {
    session_.awaitSent(id_);
  }
}

void H2ClientStream::finishExchange(Ending ending) {
  switch (ending) {
    case Ending::Complete:
      sendEnd({}, {});
      break;
    case Ending::Broken:
      session_.http2().reset(id_, H2Code::InternalError);
      break;
    case Ending::Abandoned:
    case Ending::Silent:
      session_.http2().reset(id_, H2Code::Cancel);
      break;
  }
  abandon();
  session_.onStreamOver(*this);  // the last word: it is buried
}

void H2ClientStream::abandon() {
  state_ = State::Over;
  upload_.stop();
  download_.stop();
  if (exchange_) {
    session_.worker().loop.deferDelete(std::move(exchange_));
  }
}

// ---- progress -------------------------------------------------------------

void H2ClientStream::watchProgress() {
  if (!exchange_ || state_ == State::Over) {
    return;
  }
  const ClientLimits& limits = session_.limits();
  const bool dialogue = exchange_->dialogue();
  const ProgressLimits expected{.idle = limits.client_body_timeout,
                                .minimum_rate = dialogue ? 0 : limits.client_minimum_rate};
  const bool awaits_body =
      request_ == Request::Coming && held_.empty() && !dialogue && !exchange_->bodyDone() && exchange_->waitsForBody();
  upload_.watch(awaits_body, expected, received_);
  // Whose stream's window is closed may be thinking; whose socket takes nothing is gone.
  const bool thinking = exchange_->dialogue() && !exchange_->inTunnel() && !session_.socketBlocked();
  const bool owes =
      (session_.http2().blocked(id_) && !thinking) || (state_ == State::Settling && session_.socketBlocked());
  download_.watch(owes, expected, std::nullopt);
}

// What a stream's window allowed, and what the connection's peer has taken
// where that is what the stream waits for.
std::uint64_t H2ClientStream::taken() {
  if (!session_.http2().windowClosed(id_)) {
    connection_took_ = session_.taken();
  }
  return session_.http2().bodySent(id_) + connection_took_;
}

// Where other uploads have used up the connection's window, it is not for the client to move.
void H2ClientStream::onUploadLook() {
  if (session_.http2().holdsBack(id_)) {
    upload_.reset();
    watchProgress();
  } else {
    onLook(upload_, received_);
  }
}

void H2ClientStream::onLook(TransferClock& clock, std::uint64_t moved) {
  if (const auto fault = clock.look(moved)) {
    onFault(*fault);
  }
}

}  // namespace gatewhy
