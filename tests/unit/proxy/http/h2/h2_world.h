// SPDX-License-Identifier: Apache-2.0
// An H2ServerSession with an observer that writes down what it is told, and
// with what the session answers taken apart.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/h2_words.h"
#include "proxy/http/h2/h2_server_session.h"
#include "tests/support/h2_frames.h"
#include "tests/unit/proxy/http/h2/h2_seen.h"

namespace gatewhy::test {

inline const H2TestFields kGet = {
    {":method", "GET"}, {":scheme", "https"}, {":authority", "a.example"}, {":path", "/"}};
inline const H2TestFields kPost = {
    {":method", "POST"}, {":scheme", "https"}, {":authority", "a.example"}, {":path", "/"}};

class H2World final : public H2ServerObserver {
 public:
  explicit H2World(const H2ServerSettings& settings = {}) : session(settings, *this) {}

  // Feeds it and reads all answers.
  bool feed(std::string_view bytes) {
    const bool open = session.feed(bytes, now);
    read();
    return open;
  }
  bool feedInPieces(std::string_view bytes, std::size_t piece) {
    bool open = true;
    for (; open && !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
      open = session.feed(bytes.substr(0, piece), now);
      if (reads) {
        read();
      }
    }
    return open;
  }
  // What the session has to say, up to `most` octets.
  void read(std::size_t most = std::string::npos) {
    while (most > 0) {
      const std::string_view output = session.output().substr(0, most);
      if (output.empty()) {
        break;
      }
      seen.take(output);
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
  std::function<void(H2StreamId, RequestHead&, const H2RequestFacts&)> on_head;
  std::function<void(H2StreamId, std::string_view)> on_body;
  std::function<void(H2StreamId)> on_end, on_writable, on_finished, on_gone;
  bool reads = true;       // feedInPieces() reads between pieces
  bool consumes = true;    // bodies are used up at once
  bool answers = false;    // every whole request gets a 200 without a body, and its place is freed
  bool joins_body = true;  // a body that comes in pieces is one event

  void onRequestHead(H2StreamId stream, RequestHead& head, const H2RequestFacts& facts) override {
    std::string text = head.bytes;
    for (std::size_t at = 0; (at = text.find("\r\n", at)) != std::string::npos;) {
      text.replace(at, 2, "|");
    }
    events.push_back(fmt::format("head {} {}{}{}", stream, text, facts.ends ? " ends" : "",
                                 facts.protocol.empty() ? "" : " protocol " + facts.protocol));
    head_ = head;
    if (on_head) {
      on_head(stream, head, facts);
    }
    if (facts.ends) {
      answer(stream);
    }
  }
  void onRequestFault(H2StreamId stream, RequestHead& head, const ParseFault& fault, H2Remedy remedy) override {
    events.push_back(fmt::format("fault {} {} {} '{}' {}", stream, remedy == H2Remedy::Answer ? "answer" : "reset",
                                 name(fault.error), fault.header_name, fault.offset));
    last_fault = fault;
    head_ = head;
    if (remedy == H2Remedy::Answer && answers) {
      session.submitHead(stream, 400, "", true);
      session.release(stream);
    }
  }
  void onBody(H2StreamId stream, std::string_view data) override {
    const std::string begin = fmt::format("body {} ", stream);
    if (joins_body && !events.empty() && events.back().starts_with(begin)) {
      events.back().append(data);
    } else {
      events.push_back(begin + std::string(data));
    }
    if (on_body) {
      on_body(stream, data);
    }
    if (consumes) {
      session.consume(stream, data.size());
    }
  }
  void onEnd(H2StreamId stream, std::string_view trailers) override {
    events.push_back(fmt::format("end {} {}", stream, trailers));
    if (on_end) {
      on_end(stream);
    }
    answer(stream);
  }
  void onShortEnd(H2StreamId stream, const ParseFault& fault) override {
    events.push_back(fmt::format("short end {} {} {}/{}", stream, name(fault.error), fault.size, fault.limit));
  }
  void onReset(H2StreamId stream, const StreamFault& fault) override {
    events.push_back(fmt::format("reset {} {}", stream, h2CodeName(fault.code)));
    gone(stream);
  }
  void onStreamFault(H2StreamId stream, const Fault& fault) override {
    if (const auto* parse = std::get_if<ParseFault>(&fault)) {
      events.push_back(fmt::format("broken {} {} {}/{}", stream, name(parse->error), parse->size, parse->limit));
    } else {
      const auto& broken = std::get<StreamFault>(fault);
      events.push_back(fmt::format("broken {} {} {}", stream, h2CodeName(broken.code), broken.frame));
    }
    gone(stream);
  }
  void onWritable(H2StreamId stream) override {
    events.push_back(fmt::format("writable {}", stream));
    if (on_writable) {
      on_writable(stream);
    }
  }
  void onFinished(H2StreamId stream) override {
    events.push_back(fmt::format("finished {}", stream));
    if (on_finished) {
      on_finished(stream);
    }
    if (answers) {
      session.release(stream);
    }
  }
  void onGoAway(const StreamFault& fault) override {
    events.push_back(fmt::format("goaway {} {} {}", fault.last_stream, h2CodeName(fault.code), fault.detail));
  }
  void onPong(std::uint64_t opaque) override { events.push_back(fmt::format("pong {}", opaque)); }
  void onConnectionFault(const StreamFault& fault) override {
    connection_fault = fault;
    events.push_back(fmt::format("over {} {} {}", name(fault.how), h2CodeName(fault.code),
                                 fault.flood.empty() ? fault.frame : fault.flood));
  }
  std::string webSocketKey() override { return "AAAAAAAAAAAAAAAAAAAAAA=="; }
  const Redaction& redaction() override { return redaction_; }

  [[nodiscard]] const RequestHead& head() const { return head_; }

  H2Instant now{std::chrono::hours(1)};
  std::vector<std::string> events;
  H2Seen seen;
  ParseFault last_fault;
  StreamFault connection_fault;
  H2ServerSession session;

 private:
  void answer(H2StreamId stream) {
    if (answers) {
      session.submitHead(stream, 200, "", true);
    }
  }
  void gone(H2StreamId stream) {
    if (on_gone) {
      on_gone(stream);
    }
    if (answers) {
      session.release(stream);
    }
  }
  RequestHead head_;
  Redaction redaction_;
};

}  // namespace gatewhy::test
