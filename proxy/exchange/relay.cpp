// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/relay.h"

#include "proxy/net/transport.h"

namespace gatewhy {

Relay::State Relay::state() const {
  switch (step_) {
    case Step::Idle:
      return State::Idle;
    case Step::Open:
      return sinkFull() ? State::SinkFull : State::Flowing;
    case Step::Ended:
      return sinkFull() ? State::Ending : State::Ended;
    case Step::Broken:
      return State::Broken;
  }
  return State::Broken;
}

void Relay::join(BodySource& source, BodySink& sink) {
  source_ = &source;
  sink_ = &sink;
  step_ = Step::Idle;
}

void Relay::open() {
  step_ = Step::Open;
  if (copy_ != nullptr) {
    step_ = copy_->whole() ? Step::Ended : Step::Open;
    if (copy_->endsContent()) {
      sink_->sendEnd(copy_->copy(), copy_->trailers());
    } else if (!copy_->copy().empty()) {
      sink_->sendData(copy_->copy());
    }
    copy_->forgetUnwanted();
  }
}

void Relay::openTunnel() {
  copy_ = nullptr;
  step_ = Step::Open;
}

void Relay::stop() {
  if (state() != State::Ended) {
    step_ = Step::Broken;
  }
  sink_ = nullptr;
}

void Relay::take(std::string_view data) {
  moved_ += data.size();
  if (copy_ != nullptr && step_ != Step::Broken) {
    copy_->add(data, step_ == Step::Open);
  }
  if (step_ == Step::Open) {
    sink_->sendData(data);
  }
}

void Relay::takeEnd(std::string_view data, std::string_view trailers) {
  moved_ += data.size();
  if (copy_ != nullptr && step_ != Step::Broken) {
    copy_->add(data, step_ == Step::Open);
  }
  if (copy_ != nullptr) {
    copy_->end(trailers);
  }
  if (step_ == Step::Open) {
    step_ = Step::Ended;
    sink_->sendEnd(data, trailers);
  }
}

void Relay::flush() {
  if (step_ == Step::Open) {
    sink_->flush();
  }
}

SpliceResult Relay::splice(Transport& from, std::uint64_t ahead) {
  constexpr SpliceResult kToBeRead{.status = SpliceStatus::Unsupported};
  const bool seen = copy_ != nullptr && !copy_->incomplete();
  if (!splices_ || step_ != Step::Open || seen || from.tls()) {
    return kToBeRead;
  }
  SplicePipe* pipe = sink_->splicePipe();
  if (pipe == nullptr) {
    return kToBeRead;
  }
  const SpliceResult got = from.readInto(*pipe, pipe->stepOf(ahead));
  splices_ = got.status != SpliceStatus::Unsupported;
  if (got.status == SpliceStatus::Ok) {
    moved_ += got.size;
    sink_->flush();
  }
  return got;
}

bool Relay::wants(bool queued) const {
  switch (state()) {
    case State::Flowing:
      return true;
    case State::Idle:
    case State::SinkFull:
      return copy_ != nullptr && copy_->room(queued) != 0;
    case State::Ending:
    case State::Ended:
    case State::Broken:
      return false;
  }
  return false;
}

void Relay::resume() {
  if (source_ != nullptr && step_ <= Step::Open && !sinkFull()) {
    source_->resumeBody();
  }
}

}  // namespace gatewhy
