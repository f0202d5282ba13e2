// SPDX-License-Identifier: Apache-2.0
// What an origin sends behind its SETTINGS: however it is split, the session
// tells the same, of each stream in an order that makes sense, and nothing of
// one that is over.
#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "proxy/http/h2/h2_origin_session.h"
#include "require.h"
#include "tests/support/h2_frames.h"

namespace gatewhy::fuzz {
namespace {

constexpr std::size_t kOriginStreams = 8;
constexpr std::size_t kEveryOriginCut = 64;  // longer inputs are cut at so many places
constexpr std::size_t kMostRetries = 20;

class OriginListener final : public H2OriginObserver {
 public:
  OriginListener() : session_({.streams = kOriginStreams, .header_list = 2000, .trailers = 500}, *this) {
    open({.head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", .ends = true});
    const H2StreamId upload = open({.head = "POST / HTTP/1.1\r\nHost: a\r\n\r\n", .method = Method::Post});
    session_.submitData(upload, "body", false);
    open({.head = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", .method = Method::Head, .ends = true});
    open({.head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", .protocol = "websocket", .websocket_accept = "x"});
    open({.head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", .ends = true, .mend = true});
    const H2StreamId large = open({.head = "PUT / HTTP/1.1\r\nHost: a\r\n\r\n", .method = Method::Put});
    session_.submitData(large, std::string(100000, 'x'), false);
    session_.submitEnd(large, "a: b\r\n");
    read();
  }

  bool feed(std::string_view bytes) {
    const bool open = session_.feed(bytes, H2Instant(std::chrono::hours(1)));
    read();
    return open;
  }
  [[nodiscard]] const std::string& told() const { return told_; }

  void onSettings() override {
    require(session_.settled(), "SETTINGS have come");
    note("settings", 0, {});
  }
  void onInterim(H2StreamId stream, ResponseHead& head) override {
    require(of(stream).where == Where::Awaited, "an interim response comes before the head");
    require(head.status >= 100 && head.status < 200 && head.status != 101, "it is one");
    note("interim", stream, head.bytes);
  }
  void onResponseHead(H2StreamId stream, ResponseHead& head, bool ends) override {
    Told& seen = of(stream);
    require(seen.where == Where::Awaited, "a head comes once");
    require(head.bytes.ends_with("\r\n\r\n"), "a head is whole");
    require(head.status >= 200 || (head.status == 101 && seen.tunnel), "a head is final, or a tunnel's");
    require(head.body != BodyKind::UntilClose, "a body does not end with the connection");
    seen.tunnel = head.status == 101;
    if (head.body == BodyKind::Length) {
      seen.left = head.content_length;
    } else if (head.body == BodyKind::None && !seen.tunnel) {
      seen.left = 0;
    }
    require(!ends || seen.left.value_or(0) == 0, "what ends with its head has no body");
    seen.where = ends ? Where::Whole : Where::Coming;
    note("head", stream, head.bytes);
    if (ends && !seen.tunnel) {
      over("whole", stream);
    }
  }
  void onBody(H2StreamId stream, std::string_view data) override {
    Told& seen = of(stream);
    require(seen.where == Where::Coming && !data.empty(), "a body comes behind its head");
    if (seen.left) {
      require(data.size() <= *seen.left, "a body is no longer than its length");
      *seen.left -= data.size();
    }
    if (last_body_ != stream) {
      told_ += "\nbody " + std::to_string(stream) + " ";
    }
    told_ += data;
    last_body_ = stream;
    if (stream % 4 == 1) {
      session_.consume(stream, data.size());
    }
  }
  void onEnd(H2StreamId stream, std::string_view trailers) override {
    Told& seen = of(stream);
    require(seen.where == Where::Coming, "an end comes behind its head");
    require(seen.left.value_or(0) == 0, "a body is as long as its length");
    seen.where = Where::Whole;
    note("end", stream, trailers);
    if (!seen.tunnel) {
      over("whole", stream);
    }
  }
  void onReset(H2StreamId stream, const StreamFault& fault) override {
    require(fault.how != StreamFault::How::GoAway || session_.room() == 0, "a GOAWAY leaves no room");
    over("reset", stream);
  }
  void onStreamFault(H2StreamId stream, const Fault& /*fault*/) override { over("broken", stream); }
  void onWritable(H2StreamId /*stream*/) override {}
  void onRequestSent(H2StreamId stream) override { static_cast<void>(of(stream)); }
  void onGoAway(const StreamFault& fault) override {
    require(session_.room() == 0, "a GOAWAY leaves no room");
    note("goaway", fault.last_stream, fault.detail);
  }
  void onPong(std::uint64_t /*opaque*/) override { note("pong", 0, {}); }
  void onConnectionFault(const StreamFault& fault) override {
    require(!ended_, "a connection ends once");
    ended_ = true;
    note("end of all", fault.stream, fault.detail + fault.frame + fault.flood + std::to_string(fault.offset));
  }
  const Redaction& redaction() override { return redaction_; }

 private:
  enum class Where : std::uint8_t { Awaited, Coming, Whole };
  struct Told {
    Where where = Where::Awaited;
    bool tunnel = false;
    std::optional<std::uint64_t> left;  // of a body whose length is known
  };

  H2StreamId open(const H2OriginRequest& request) {
    const H2StreamId stream = session_.openStream(request);
    if (stream != 0) {
      require(told_of_.emplace(stream, Told{.tunnel = !request.protocol.empty()}).second, "a stream begins once");
      require(told_of_.size() <= kOriginStreams, "there are no more streams than asked for");
    }
    return stream;
  }
  Told& of(H2StreamId stream) {
    require(!ended_, "nothing is told behind the end");
    const auto found = told_of_.find(stream);
    require(found != told_of_.end(), "what is told is told of a stream that is open");
    return found->second;
  }
  void note(std::string_view what, H2StreamId stream, std::string_view text) {
    told_.append("\n").append(what).append(" ").append(std::to_string(stream)).append(" ").append(text);
    last_body_ = 0;
  }
  // Its place is used again.
  void over(std::string_view what, H2StreamId stream) {
    static_cast<void>(of(stream));
    note(what, stream, {});
    told_of_.erase(stream);
    session_.release(stream);
    if (retries_++ < kMostRetries) {
      open({.head = "GET /again HTTP/1.1\r\nHost: a\r\n\r\n", .ends = true});
    }
  }
  void read() {
    for (std::string_view output; !(output = session_.output()).empty();) {
      session_.sent(output.size());
    }
  }

  std::string told_;
  H2StreamId last_body_ = 0;
  std::map<H2StreamId, Told> told_of_;
  std::size_t retries_ = 0;
  bool ended_ = false;
  Redaction redaction_;
  H2OriginSession session_;
};

std::string originTellOf(std::string_view bytes, std::size_t piece, std::size_t first) {
  OriginListener listener;
  listener.feed(test::h2Settings() + test::h2SettingsAck());
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
  const std::string whole = originTellOf(bytes, bytes.size() + 1, bytes.size());
  require(originTellOf(bytes, 1, 0) == whole, "octet by octet it is the same");
  const std::size_t step = std::max<std::size_t>(1, size / kEveryOriginCut);
  for (std::size_t cut = 1; cut < size; cut += step) {
    require(originTellOf(bytes, bytes.size(), cut) == whole, "cut in two it is the same");
  }
  return 0;
}
