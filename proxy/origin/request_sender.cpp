// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/request_sender.h"

namespace gatewhy {

void RequestSender::begin(Transport& transport, std::string_view head, bool whole, bool expects_continue,
                          TimePoint now) {
  transport_ = &transport;
  began_ = now;
  state_ = whole ? State::Flushing : expects_continue ? State::AwaitContinue : State::Body;
  write(head);
}

void RequestSender::write(std::string_view bytes) {
  if (fault_) {
    return;  // nobody takes it; the response, or the fault, decides
  }
  if (rest_.empty() && !bytes.empty()) {
    const IoResult taken = transport_->write(bytes.data(), bytes.size());
    switch (taken.status) {
      case IoStatus::Ok:
        written_ += taken.size;
        bytes.remove_prefix(taken.size);
        break;
      case IoStatus::WouldBlock:
        break;
      case IoStatus::Ended:
        refuse();
        return;
    }
  }
  rest_.append(bytes);
  settle();
}

void RequestSender::noteLast() {
  static_cast<void>(stopAwaiting());
  state_ = State::Flushing;
}

bool RequestSender::stopAwaiting() {
  if (state_ != State::AwaitContinue) {
    return false;
  }
  state_ = State::Body;
  awaiting_since_ = TimePoint{};
  return true;
}

void RequestSender::flush() {
  while (rest_at_ < rest_.size()) {
    const IoResult taken = transport_->write(rest_.data() + rest_at_, rest_.size() - rest_at_);
    if (taken.status == IoStatus::WouldBlock) {
      return;
    }
    if (taken.status == IoStatus::Ended) {
      refuse();
      return;
    }
    written_ += taken.size;
    rest_at_ += taken.size;
  }
  rest_.clear();
  rest_at_ = 0;
  settle();
}

void RequestSender::settle() {
  if (state_ == State::AwaitContinue && !waits() && awaiting_since_ == TimePoint{}) {
    awaiting_since_ = EventLoop::now();
  }
  if (state_ < State::Flushing) {
    return;
  }
  state_ = waits() ? State::Flushing : State::Sent;
  if (state_ == State::Sent && sent_at_ == TimePoint{}) {
    std::string().swap(rest_);  // gives its room back while the answer is waited for
    sent_at_ = EventLoop::now();
  }
}

// The peer refuses our bytes.
void RequestSender::refuse() {
  fault_ = transport_->fault();
  rest_.clear();
  rest_at_ = 0;
}

}  // namespace gatewhy
