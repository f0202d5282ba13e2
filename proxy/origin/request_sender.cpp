// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/request_sender.h"

#include "proxy/http/chunk.h"

namespace gatewhy {

void RequestSender::begin(std::string_view head, BodyKind framing, bool expects_continue, TimePoint now) {
  framing_ = framing;
  began_ = now;
  const bool whole = framing == BodyKind::None;
  state_ = whole ? State::Flushing : expects_continue ? State::AwaitContinue : State::Body;
  write(head);
}

void RequestSender::writeBody(std::string_view data, bool last, std::string_view trailers, TextBuffer& scratch) {
  if (last) {
    static_cast<void>(stopAwaiting());
    state_ = State::Flushing;
  }
  if (framing_ != BodyKind::Chunked) {
    write(data);
    return;
  }
  scratch.clear();
  if (!data.empty()) {
    appendChunkSize(scratch, data.size());
    scratch.append(data);
    scratch.append("\r\n");
  }
  if (last) {
    scratch.append("0\r\n");
    scratch.append(trailers);
    scratch.append("\r\n");
  }
  write(scratch.view());
}

void RequestSender::write(std::string_view bytes) {
  if (!fault_) {  // else nobody takes it; the response, or the fault, decides
    settle(output_.send(bytes, false));
  }
}

void RequestSender::flush() {
  if (!fault_) {
    settle(output_.flush());
  }
}

bool RequestSender::stopAwaiting() {
  if (state_ != State::AwaitContinue) {
    return false;
  }
  state_ = State::Body;
  awaiting_since_ = TimePoint{};
  return true;
}

SplicePipe* RequestSender::splicePipe() {
  return state_ == State::Body && framing_ == BodyKind::Length && !fault_ ? output_.splicePipe() : nullptr;
}

void RequestSender::settle(SocketOutput::Step step) {
  if (step == SocketOutput::Step::Broke) {
    fault_ = transport_.fault();         // the peer refuses our bytes
    static_cast<void>(output_.flush());  // drops them
    return;
  }
  if (state_ == State::AwaitContinue && !waits() && awaiting_since_ == TimePoint{}) {
    awaiting_since_ = EventLoop::now();
  }
  if (state_ < State::Flushing) {
    return;
  }
  state_ = waits() ? State::Flushing : State::Sent;
  if (state_ == State::Sent && sent_at_ == TimePoint{}) {
    std::string none;
    output_.swapBuffer(none);  // gives its room back while the answer is waited for
    output_.endMessage();
    sent_at_ = EventLoop::now();
  }
}

}  // namespace gatewhy
