// SPDX-License-Identifier: Apache-2.0
#include "proxy/client/h1_answer_writer.h"

#include "proxy/http/chunk.h"

namespace gatewhy {
namespace {

constexpr std::uint16_t kSwitchingProtocols = 101;

}  // namespace

void H1AnswerWriter::begin(SocketOutput& output) {
  output_ = &output;
  framing_ = H1Framing::None;
}

void H1AnswerWriter::write(const AnswerHead& head, H1Connection connection) {
  writeAnswerHead(head, framing_, connection,
                  [this](std::string_view piece) { owner_.onWritten(output_->send(piece, true)); });
}

void H1AnswerWriter::sendInterim(const AnswerHead& head) {
  write(head, H1Connection::Unsaid);
  flush();
}

bool H1AnswerWriter::sendHead(const AnswerHead& head, bool http10, bool close) {
  if (head.status == kSwitchingProtocols) {
    write(head, H1Connection::Unsaid);
    return true;
  }
  framing_ = h1Framing(head.length, http10);
  const bool last = close || framing_ == H1Framing::UntilClose;
  write(head, last ? H1Connection::Close : http10 ? H1Connection::KeepAlive : H1Connection::Unsaid);
  return last;
}

void H1AnswerWriter::sendData(std::string_view data, TextBuffer& scratch) {
  if (framing_ != H1Framing::Chunked) {
    owner_.onWritten(output_->sendData(data, {}));
    return;
  }
  scratch.clear();
  appendChunkSize(scratch, data.size());
  owner_.onWritten(output_->send(scratch.view(), true));
  owner_.onWritten(output_->sendData(data, "\r\n"));
}

void H1AnswerWriter::sendEnd(std::string_view trailers) {
  if (framing_ == H1Framing::Chunked) {
    for (const std::string_view piece : {std::string_view("0\r\n"), trailers, std::string_view("\r\n")}) {
      owner_.onWritten(output_->send(piece, true));
    }
  }
  flush();
}

SplicePipe* H1AnswerWriter::splicePipe() {
  return framing_ == H1Framing::Length ? output_->splicePipe() : nullptr;
}

}  // namespace gatewhy
