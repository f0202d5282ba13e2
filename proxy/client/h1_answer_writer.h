// SPDX-License-Identifier: Apache-2.0
// One answer in HTTP/1.1 on its way into a client's output: its heads, and its
// content with the framing that the client understands. Loop thread only.
#pragma once

#include <string_view>

#include "diagnostics/text_buffer.h"
#include "proxy/http/answer_head.h"
#include "proxy/http/h1_writer.h"
#include "proxy/net/socket_output.h"

namespace gatewhy {

class H1AnswerWriter {
 public:
  class Owner {
   public:
    virtual void onWritten(SocketOutput::Step step) = 0;  // what each write came to

   protected:
    ~Owner() = default;
  };
  explicit H1AnswerWriter(Owner& owner) : owner_(owner) {}

  // For the answer to another request.
  void begin(SocketOutput& output);
  void sendInterim(const AnswerHead& head);
  // True where the connection ends with this answer: because that is wanted
  // (`close`), or because nothing else ends its content. `http10`: the client's
  // version. After a 101 it is another protocol's.
  [[nodiscard]] bool sendHead(const AnswerHead& head, bool http10, bool close);
  // `scratch` is free to be used.
  void sendData(std::string_view data, TextBuffer& scratch);
  void sendEnd(std::string_view trailers);
  void flush() { owner_.onWritten(output_->flush()); }
  [[nodiscard]] SplicePipe* splicePipe();  // see BodySink
  // The client would notice if the content were cut off by the connection's end.
  [[nodiscard]] bool showsItsEnd() const { return framing_ == H1Framing::Length || framing_ == H1Framing::Chunked; }

 private:
  void write(const AnswerHead& head, H1Connection connection);

  Owner& owner_;
  SocketOutput* output_ = nullptr;
  H1Framing framing_ = H1Framing::None;  // of the content
};

}  // namespace gatewhy
