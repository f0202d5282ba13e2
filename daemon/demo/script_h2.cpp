// SPDX-License-Identifier: Apache-2.0
#include "daemon/demo/script_h2.h"

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "diagnostics/h2_words.h"

namespace gatewhy {
namespace {

using script_h2::Frame;
using script_h2::FrameHead;

constexpr std::string_view kPing = "scripted";

std::uint32_t numberAt(std::string_view payload, std::size_t at) {
  std::uint32_t value = 0;
  for (const char octet : payload.substr(std::min(at, payload.size()), 4)) {
    value = value << 8 | static_cast<std::uint8_t>(octet);
  }
  return value;
}

// The payload without padding and priority (RFC 9113 sections 6.1 and 6.2).
std::string_view unpadded(const FrameHead& head, std::string_view payload) {
  if ((head.flags & script_h2::kPadded) != 0 && !payload.empty()) {
    const auto padding = static_cast<std::uint8_t>(payload.front());
    payload.remove_prefix(1);
    payload.remove_suffix(std::min<std::size_t>(padding, payload.size()));
  }
  if (head.type == Frame::Headers && (head.flags & script_h2::kPriority) != 0) {
    constexpr std::size_t kPriorityOctets = 5;
    payload.remove_prefix(std::min(kPriorityOctets, payload.size()));
  }
  return payload;
}

}  // namespace

ScriptH2::ScriptH2(Wire& wire) : wire_(wire) {
  nghttp2_hd_inflater* inflater = nullptr;
  if (nghttp2_hd_inflate_new(&inflater) == 0) {
    inflater_.reset(inflater);
  }
}

ScriptH2::Ended ScriptH2::begin(const Step& step) {
  while (wire_.received().size() < script_h2::kPreface.size()) {
    if (const Ended ended = wire_.fill()) {
      return ended;
    }
  }
  if (!wire_.received().starts_with(script_h2::kPreface)) {
    return wire_.fail("the client does not begin HTTP/2");
  }
  wire_.received().erase(0, script_h2::kPreface.size());
  return step.option("settings") == "none" ? std::nullopt : sendFrame(script_h2::settings(step));
}

ScriptH2::Ended ScriptH2::readRequest(std::string& head) {
  while (requests_.empty()) {
    if (const Ended ended = readFrame()) {
      return ended;
    }
  }
  current_ = requests_.front().stream;
  head = std::move(requests_.front().head);
  requests_.pop_front();
  return std::nullopt;
}

ScriptH2::Ended ScriptH2::readBody() {
  opens_windows_ = true;
  Ended ended;
  while (!ended && !streams_[current_].ended) {
    ended = readFrame();
  }
  opens_windows_ = false;
  return ended;
}

ScriptH2::Ended ScriptH2::readToEnd() {
  Ended ended;
  while (!ended) {
    ended = readFrame();
  }
  return ended;
}

ScriptH2::Ended ScriptH2::respond(std::uint64_t status, std::string_view content_type, std::string_view body,
                                  bool to_head) {
  const script_h2::Fields fields{
      {":status", std::to_string(status)},
      {"date", fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::chrono::system_clock::now()))},
      {"content-type", std::string(content_type)},
      {"content-length", std::to_string(body.size())}};
  const bool bare = to_head || body.empty();
  std::string out = script_h2::headers(current_, fields, bare);
  if (!bare) {
    out += script_h2::data(current_, body, true);
  }
  return wire_.send(out);
}

// ---- what comes --------------------------------------------------------

ScriptH2::Ended ScriptH2::readFrame() {
  std::string& bytes = wire_.received();
  FrameHead head;
  while (true) {
    if (bytes.size() >= script_h2::kFrameHead) {
      head = script_h2::readFrameHead(bytes);
      if (bytes.size() >= script_h2::kFrameHead + head.length) {
        break;
      }
    }
    if (const Ended ended = wire_.fill()) {
      return ended;
    }
  }
  const std::string payload = bytes.substr(script_h2::kFrameHead, head.length);
  bytes.erase(0, script_h2::kFrameHead + head.length);
  return onFrame(head, payload);
}

ScriptH2::Ended ScriptH2::onFrame(const FrameHead& head, std::string_view payload) {
  const bool ack = (head.flags & script_h2::kAck) != 0;
  switch (head.type) {
    case Frame::Headers:
    case Frame::Continuation:
      return onBlock(head, unpadded(head, payload));
    case Frame::Data:
      return onData(head, payload);
    case Frame::Settings:
      return ack ? std::nullopt : wire_.send(script_h2::frame(Frame::Settings, script_h2::kAck, 0, {}));
    case Frame::Ping:
      return ack ? std::nullopt : wire_.send(script_h2::frame(Frame::Ping, script_h2::kAck, 0, payload));
    case Frame::RstStream:
      onReset(head.stream, payload);
      return std::nullopt;
    case Frame::GoAway:
      wire_.record(fmt::format("GOAWAY {} {}\n", h2CodeName(numberAt(payload, 4)),
                               payload.substr(std::min<std::size_t>(payload.size(), 8))));
      return std::nullopt;
    case Frame::Priority:
    case Frame::PushPromise:
    case Frame::WindowUpdate:
      return std::nullopt;
  }
  return std::nullopt;  // of a type that nobody knows
}

ScriptH2::Ended ScriptH2::onBlock(const FrameHead& head, std::string_view payload) {
  block_ += payload;
  if (head.type == Frame::Headers) {
    block_ends_ = (head.flags & script_h2::kEndStream) != 0;
  }
  if ((head.flags & script_h2::kEndHeaders) == 0) {
    return std::nullopt;
  }
  std::string text;
  if (!decode(text)) {
    return wire_.fail("a block of fields cannot be decoded");
  }
  wire_.record(text);
  if (head.stream > newest_) {
    newest_ = head.stream;
    requests_.push_back({head.stream, std::move(text)});
  }
  streams_[head.stream].ended |= block_ends_;
  return std::nullopt;
}

ScriptH2::Ended ScriptH2::onData(const FrameHead& head, std::string_view payload) {
  wire_.record(unpadded(head, payload));
  if ((head.flags & script_h2::kEndStream) != 0) {
    streams_[head.stream].ended = true;
  }
  if (!opens_windows_ || payload.empty()) {
    return std::nullopt;
  }
  const auto size = static_cast<std::uint32_t>(payload.size());
  return wire_.send(script_h2::windowUpdate(0, size) + script_h2::windowUpdate(head.stream, size));
}

void ScriptH2::onReset(std::uint32_t stream, std::string_view payload) {
  streams_[stream].ended = true;
  wire_.record(fmt::format("RST_STREAM {} {}\n", stream, h2CodeName(numberAt(payload, 0))));
}

bool ScriptH2::decode(std::string& head) {
  std::string first[2];  // :method, :path
  std::string fields;
  const std::string block = std::exchange(block_, {});
  const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
  std::size_t left = block.size();
  while (inflater_ != nullptr) {
    nghttp2_nv field;
    int flags = 0;
    const ssize_t taken = nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, at, left, 1);
    if (taken < 0) {
      return false;
    }
    at += taken;
    left -= static_cast<std::size_t>(taken);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      const std::string name(reinterpret_cast<const char*>(field.name), field.namelen);
      const std::string value(reinterpret_cast<const char*>(field.value), field.valuelen);
      if (name == ":method" || name == ":path") {
        first[name == ":path" ? 1 : 0] = value;
      } else {
        fields.append(name).append(": ").append(value).append("\r\n");
      }
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
      nghttp2_hd_inflate_end_headers(inflater_.get());
      head = first[0].empty() ? fields : first[0] + " " + first[1] + " HTTP/2\r\n" + fields + "\r\n";
      return true;
    }
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && left == 0) {
      return false;
    }
  }
  return false;
}

// ---- what goes ---------------------------------------------------------

ScriptH2::Ended ScriptH2::step(const Step& step) {
  switch (step.kind) {
    case StepKind::Headers:
      return sendHeaders(step, step.option("end_stream") == "true");
    case StepKind::Trailers:
      return sendHeaders(step, true);
    case StepKind::Data:
      return wire_.send(script_h2::data(current_, step.text, false));
    case StepKind::LastData:
      return wire_.send(script_h2::data(current_, step.text, true));
    case StepKind::Stream:
      current_ = static_cast<std::uint32_t>(step.count);
      return std::nullopt;
    case StepKind::WindowUpdate:
      return wire_.send(script_h2::windowUpdate(current_, static_cast<std::uint32_t>(step.count)));
    case StepKind::Ping:
      return wire_.send(script_h2::frame(Frame::Ping, 0, 0, kPing));
    case StepKind::Settings:
      return sendFrame(script_h2::settings(step));
    case StepKind::Frame:
      return sendFrame(script_h2::rawFrame(step, current_));
    case StepKind::GoAway:
      return sendGoAway(step);
    case StepKind::RstStream: {
      const auto code = script_h2::errorCode(step.text);
      return code ? wire_.send(script_h2::rstStream(current_, *code)) : wire_.fail("not an error code: " + step.text);
    }
    case StepKind::Accept:
    case StepKind::Tls:
    case StepKind::H2:
    case StepKind::ReadHead:
    case StepKind::ReadBody:
    case StepKind::ReadResponse:
    case StepKind::Read:
    case StepKind::ByPath:
    case StepKind::Send:
    case StepKind::SendRaw:
    case StepKind::SendFile:
    case StepKind::Repeat:
    case StepKind::Respond:
    case StepKind::Echo:
    case StepKind::Pause:
    case StepKind::Signal:
    case StepKind::Wait:
    case StepKind::Run:
    case StepKind::CloseNotify:
    case StepKind::Fin:
    case StepKind::Reset:
    case StepKind::Close:
    case StepKind::Hold:
    case StepKind::WaitClose:
    case StepKind::Again:
      break;
  }
  return wire_.fail(fmt::format("'{}' is not a frame", name(step.kind)));
}

ScriptH2::Ended ScriptH2::sendFrame(const std::optional<std::string>& frame) {
  return frame ? wire_.send(*frame) : wire_.fail("this frame's options cannot be read");
}

ScriptH2::Ended ScriptH2::sendHeaders(const Step& step, bool ends) {
  script_h2::Fields fields;
  std::size_t frames = 1;
  for (const auto& [key, value] : step.options) {
    if (key == "frames" && !value.empty()) {
      frames = static_cast<std::size_t>(value.front() - '0');
    } else if (key != "end_stream") {
      fields.emplace_back(key, value);
    }
  }
  return wire_.send(script_h2::headers(current_, fields, ends, frames));
}

ScriptH2::Ended ScriptH2::sendGoAway(const Step& step) {
  const std::string_view last = step.option("last");
  const std::string_view named = step.option("code");
  const auto code = script_h2::errorCode(named.empty() ? "NO_ERROR" : named);
  const auto stream = last.empty() ? std::optional(newest_) : script_h2::number(last);
  return code && stream ? wire_.send(script_h2::goAway(*stream, *code, step.option("debug")))
                        : wire_.fail("goaway takes code=, last= and debug=");
}

}  // namespace gatewhy
