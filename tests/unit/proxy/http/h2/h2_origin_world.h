// SPDX-License-Identifier: Apache-2.0
// An H2OriginSession with an observer that writes down what it is told, and
// with what the session sends taken apart.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "diagnostics/h2_words.h"
#include "proxy/http/h2/h2_origin_session.h"
#include "tests/support/h2_frames.h"
#include "tests/unit/proxy/http/h2/h2_seen.h"

namespace gatewhy::test {

inline const H2TestFields kOk = {{":status", "200"}};
inline constexpr std::string_view kGetHead = "GET /a?b HTTP/1.1\r\nHost: a.example\r\n\r\n";
inline constexpr std::string_view kPostHead =
    "POST /a HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n";
// How an origin begins.
inline std::string h2OriginHello() {
  return h2Settings() + h2SettingsAck();
}

class H2OriginWorld final : public H2OriginObserver {
 public:
  explicit H2OriginWorld(const H2OriginSettings& settings = {}) : session(settings, *this) {}

  // Opens a stream and reads its head.
  H2StreamId open(const H2OriginRequest& request) {
    const H2StreamId id = session.openStream(request);
    read();
    return id;
  }
  H2StreamId get() { return open({.head = kGetHead, .ends = true}); }
  H2StreamId post() { return open({.head = kPostHead, .method = Method::Post}); }

  // Feeds it and reads all that it sends.
  bool feed(std::string_view bytes) {
    const bool open = session.feed(bytes, now);
    read();
    return open;
  }
  void read(std::size_t most = std::string::npos) {
    while (most > 0) {
      const std::string_view output = session.output().substr(0, most);
      if (output.empty()) {
        break;
      }
      std::string_view frames = output;
      if (preface_left_ != 0) {
        const std::size_t size = std::min(preface_left_, frames.size());
        preface.append(frames.substr(0, size));
        frames.remove_prefix(size);
        preface_left_ -= size;
      }
      seen.take(frames);
      most -= output.size();
      session.sent(output.size());
    }
  }
  [[nodiscard]] bool saw(std::string_view line) const { return seen.has(line); }
  [[nodiscard]] bool told(std::string_view event) const {
    return std::find(events.begin(), events.end(), event) != events.end();
  }
  [[nodiscard]] std::string all() const {
    std::string text;
    for (const std::string& event : events) {
      text += event + "\n";
    }
    return text;
  }

  // What an observer does at an event; the events are written down anyway.
  std::function<void(H2StreamId)> on_head, on_body, on_end, on_writable, on_sent, on_gone;
  std::function<void()> on_goaway, on_settings;
  bool consumes = true;  // bodies are used up at once

  void onSettings() override {
    events.emplace_back("settings");
    call(on_settings);
  }
  void onInterim(H2StreamId stream, ResponseHead& head) override {
    events.push_back(fmt::format("interim {} {}", stream, textOf(head)));
  }
  void onResponseHead(H2StreamId stream, ResponseHead& head, bool ends) override {
    events.push_back(fmt::format("head {} {}{}", stream, textOf(head), ends ? " ends" : ""));
    head_ = head;
    call(on_head, stream);
  }
  void onBody(H2StreamId stream, std::string_view data) override {
    const std::string begin = fmt::format("body {} ", stream);
    if (!events.empty() && events.back().starts_with(begin)) {
      events.back().append(data);
    } else {
      events.push_back(begin + std::string(data));
    }
    call(on_body, stream);
    if (consumes) {
      session.consume(stream, data.size());
    }
  }
  void onEnd(H2StreamId stream, std::string_view trailers) override {
    events.push_back(fmt::format("end {} {}", stream, trailers));
    call(on_end, stream);
  }
  void onReset(H2StreamId stream, const StreamFault& fault) override {
    events.push_back(fmt::format("reset {} {} {}", stream, name(fault.how), h2CodeName(fault.code)));
    last_reset = fault;
    call(on_gone, stream);
  }
  void onStreamFault(H2StreamId stream, const Fault& fault) override {
    if (const auto* parse = std::get_if<ParseFault>(&fault)) {
      last_parse = *parse;
      events.push_back(
          fmt::format("broken {} {} '{}' {}", stream, name(parse->error), parse->header_name, parse->offset));
    } else {
      const auto& broken = std::get<StreamFault>(fault);
      last_reset = broken;
      events.push_back(fmt::format("broken {} {} {}", stream, h2CodeName(broken.code), broken.frame));
    }
    call(on_gone, stream);
  }
  void onWritable(H2StreamId stream) override {
    events.push_back(fmt::format("writable {}", stream));
    call(on_writable, stream);
  }
  void onRequestSent(H2StreamId stream) override {
    events.push_back(fmt::format("sent {}", stream));
    call(on_sent, stream);
  }
  void onGoAway(const StreamFault& fault) override {
    events.push_back(fmt::format("goaway {} {} {}", fault.last_stream, h2CodeName(fault.code), fault.detail));
    call(on_goaway);
  }
  void onPong(std::uint64_t opaque) override { events.push_back(fmt::format("pong {}", opaque)); }
  void onConnectionFault(const StreamFault& fault) override {
    connection_fault = fault;
    events.push_back(fmt::format("over {} {} {}", name(fault.how), h2CodeName(fault.code),
                                 fault.flood.empty() ? fault.frame : fault.flood));
  }
  const Redaction& redaction() override { return redaction_; }

  [[nodiscard]] const ResponseHead& head() const { return head_; }

  H2Instant now{std::chrono::hours(1)};
  std::vector<std::string> events;
  H2Seen seen;
  std::string preface;
  ParseFault last_parse;
  StreamFault last_reset;
  StreamFault connection_fault;
  H2OriginSession session;

 private:
  template <typename... Of>
  static void call(const std::function<void(Of...)>& what, Of... of) {
    if (what) {
      what(of...);
    }
  }
  static std::string textOf(const ResponseHead& head) {
    std::string text = head.bytes;
    for (std::size_t at = 0; (at = text.find("\r\n", at)) != std::string::npos;) {
      text.replace(at, 2, "|");
    }
    return text;
  }

  std::size_t preface_left_ = kH2Preface.size();
  ResponseHead head_;
  Redaction redaction_;
};

}  // namespace gatewhy::test
