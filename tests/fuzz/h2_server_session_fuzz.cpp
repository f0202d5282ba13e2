// SPDX-License-Identifier: Apache-2.0
// What a client sends behind the preface and SETTINGS of HTTP/2: however it is
// split, the session tells the same, of each stream in an order that makes
// sense, and never more at a time than it may.
#include <algorithm>
#include <chrono>
#include <map>
#include <string>

#include "proxy/http/h2/h2_server_session.h"
#include "require.h"
#include "tests/support/h2_frames.h"

namespace gatewhy::fuzz {
namespace {

constexpr std::size_t kStreams = 8;
constexpr std::size_t kEveryCut = 64;  // longer inputs are cut at so many places

class Listener final : public H2ServerObserver {
 public:
  Listener() : session_({.streams = kStreams, .header_list = 2000, .trailers = 500}, *this) {}

  bool feed(std::string_view bytes) {
    const bool open = session_.feed(bytes, H2Instant(std::chrono::hours(1)));
    read();
    return open;
  }
  [[nodiscard]] const std::string& told() const { return told_; }

  void onRequestHead(H2StreamId stream, RequestHead& head, const H2RequestFacts& facts) override {
    begin(stream);
    require(head.method_size > 0 && !head.path().empty(), "a head has a method and a path");
    require(head.bytes.ends_with("\r\n\r\n"), "a head is whole");
    if (head.has_content_length && !facts.ends) {
      left_[stream] = head.content_length;
    }
    note("head", stream, head.bytes);
    if (facts.ends) {
      answer(stream);
    }
  }
  void onRequestFault(H2StreamId stream, RequestHead& /*head*/, const ParseFault& fault, H2Remedy remedy) override {
    note("fault", stream, name(fault.error));
    if (remedy == H2Remedy::Answer) {
      begin(stream);
      answer(stream);
    }
  }
  void onBody(H2StreamId stream, std::string_view data) override {
    require(open_.count(stream) != 0 && !data.empty(), "a body belongs to a request");
    if (const auto left = left_.find(stream); left != left_.end()) {
      require(data.size() <= left->second, "a body is no longer than its length");
      left->second -= data.size();
    }
    const std::string before = "body " + std::to_string(stream) + " ";
    if (last_body_ != stream) {
      told_ += "\n" + before;
    }
    told_ += data;
    last_body_ = stream;
    session_.consume(stream, data.size());
  }
  void onEnd(H2StreamId stream, std::string_view trailers) override {
    require(open_.count(stream) != 0, "an end belongs to a request");
    require(left_.count(stream) == 0 || left_[stream] == 0, "a body is as long as its length");
    note("end", stream, trailers);
    answer(stream);
  }
  void onShortEnd(H2StreamId /*stream*/, const ParseFault& /*fault*/) override {
    require(false, "no answer begins before its request has ended");
  }
  void onReset(H2StreamId stream, const StreamFault& /*fault*/) override { over("reset", stream); }
  void onStreamFault(H2StreamId stream, const Fault& /*fault*/) override { over("broken", stream); }
  void onWritable(H2StreamId /*stream*/) override {}
  void onFinished(H2StreamId stream) override { over("finished", stream); }
  void onGoAway(const StreamFault& fault) override { note("goaway", fault.last_stream, fault.detail); }
  void onPong(std::uint64_t /*opaque*/) override { note("pong", 0, {}); }
  void onConnectionFault(const StreamFault& fault) override {
    require(!ended_, "a connection ends once");
    ended_ = true;
    note("end of all", fault.stream, fault.detail + fault.frame + fault.flood + std::to_string(fault.offset));
  }
  std::string webSocketKey() override { return "AAAAAAAAAAAAAAAAAAAAAA=="; }
  const Redaction& redaction() override { return redaction_; }

 private:
  void note(std::string_view what, H2StreamId stream, std::string_view text) {
    told_.append("\n").append(what).append(" ").append(std::to_string(stream)).append(" ").append(text);
    last_body_ = 0;
  }
  void begin(H2StreamId stream) {
    require(!ended_, "nothing is told behind the end");
    require(open_.emplace(stream, true).second, "a stream begins once");
    require(open_.size() <= kStreams, "there are no more streams than announced");
  }
  void answer(H2StreamId stream) {
    session_.submitHead(stream, 200, "Server: x\r\n", false);
    session_.submitData(stream, "body", false);
    session_.submitEnd(stream, stream % 4 == 1 ? "a: b\r\n" : "");
  }
  void over(std::string_view what, H2StreamId stream) {
    require(open_.erase(stream) == 1, "a stream ends once");
    left_.erase(stream);
    note(what, stream, {});
    session_.release(stream);
  }
  void read() {
    for (std::string_view output; !(output = session_.output()).empty();) {
      session_.sent(output.size());
    }
  }

  std::string told_;
  H2StreamId last_body_ = 0;
  std::map<H2StreamId, bool> open_;
  std::map<H2StreamId, std::uint64_t> left_;  // of bodies with a length
  bool ended_ = false;
  Redaction redaction_;
  H2ServerSession session_;
};

std::string tellOf(std::string_view bytes, std::size_t piece, std::size_t first) {
  Listener listener;
  listener.feed(test::h2Hello());
  bool open = listener.feed(bytes.substr(0, first));
  for (bytes.remove_prefix(first); open && !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    open = listener.feed(bytes.substr(0, piece));
  }
  return listener.told();
}

}  // namespace
}  // namespace gatewhy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatewhy::fuzz;
  const std::string_view bytes = asText(data, size);
  const std::string whole = tellOf(bytes, bytes.size() + 1, bytes.size());
  require(tellOf(bytes, 1, 0) == whole, "octet by octet it is the same");
  const std::size_t step = std::max<std::size_t>(1, size / kEveryCut);
  for (std::size_t cut = 1; cut < size; cut += step) {
    require(tellOf(bytes, bytes.size(), cut) == whole, "cut in two it is the same");
  }
  return 0;
}
