// SPDX-License-Identifier: Apache-2.0
// A server's HTTP/2 for fault scripts, from the step `h2` on: one connection,
// frames read and answered only while a step reads, so that a script can also be
// silent. It keeps no rule of what it sends: windows, states and fields are the
// script's business.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/demo/fault_script.h"
#include "daemon/demo/script_h2_frames.h"
#include "daemon/demo/script_socket.h"

namespace gatewhy {

class ScriptH2 {
 public:
  using Ended = ScriptSocket::Ended;

  // The session that it belongs to.
  class Wire {
   public:
    virtual Ended send(std::string_view bytes) = 0;
    virtual Ended fill() = 0;  // waits, and appends to received()
    [[nodiscard]] virtual std::string& received() = 0;
    virtual void record(std::string_view text) = 0;  // what came, in words
    virtual Ended fail(std::string message) = 0;

   protected:
    ~Wire() = default;
  };

  explicit ScriptH2(Wire& wire);

  // Reads the client's preface and sends SETTINGS, unless settings=none.
  Ended begin(const Step& step);
  // Reads up to the next request's HEADERS: that stream is the current one.
  // `head` is written as HTTP/1.1 would have it, pseudo-header fields in front.
  Ended readRequest(std::string& head);
  Ended readBody();   // of the current stream, opening the windows
  Ended readToEnd();  // always ends
  Ended respond(std::uint64_t status, std::string_view content_type, std::string_view body, bool to_head);
  // headers, data, rst_stream and the like.
  Ended step(const Step& step);

 private:
  struct InflaterDeleter {
    void operator()(nghttp2_hd_inflater* inflater) const noexcept { nghttp2_hd_inflate_del(inflater); }
  };
  struct Stream {
    bool ended = false;  // by END_STREAM or RST_STREAM
  };
  struct Request {
    std::uint32_t stream = 0;
    std::string head;
  };

  Ended readFrame();
  Ended onFrame(const script_h2::FrameHead& head, std::string_view payload);
  Ended onBlock(const script_h2::FrameHead& head, std::string_view payload);
  Ended onData(const script_h2::FrameHead& head, std::string_view payload);
  void onReset(std::uint32_t stream, std::string_view payload);
  Ended sendHeaders(const Step& step, bool ends);
  Ended sendGoAway(const Step& step);
  Ended sendFrame(const std::optional<std::string>& frame);
  [[nodiscard]] bool decode(std::string& head);

  Wire& wire_;
  std::unique_ptr<nghttp2_hd_inflater, InflaterDeleter> inflater_;
  std::map<std::uint32_t, Stream> streams_;
  std::deque<Request> requests_;  // read, and not yet asked for
  std::string block_;             // of fields, until END_HEADERS
  bool block_ends_ = false;       // its stream
  bool opens_windows_ = false;    // while a body is read
  std::uint32_t current_ = 0;
  std::uint32_t newest_ = 0;
};

}  // namespace gatewhy
