// SPDX-License-Identifier: Apache-2.0
#include "tests/support/h2_request_text.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace gatewhy::test {
namespace {

std::string lower(std::string_view text) {
  std::string small(text);
  std::transform(small.begin(), small.end(), small.begin(), [](unsigned char c) { return std::tolower(c); });
  return small;
}

// RFC 9113 section 8.2.2, and what RFC 8441 section 5.1 has no use for.
bool isLeftOut(std::string_view name) {
  constexpr std::string_view kNames[] = {"connection", "keep-alive",        "proxy-connection", "transfer-encoding",
                                         "upgrade",    "sec-websocket-key", "http2-settings"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

std::pair<std::string, std::string> readLine(std::string_view line) {
  const std::size_t colon = std::min(line.find(':'), line.size());
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  value = value.substr(0, value.find_last_not_of(" \t") + 1);
  return {lower(line.substr(0, colon)), std::string(value)};
}

std::string valueOf(const H2TextFields& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
  return found == fields.end() ? std::string() : found->second;
}

struct RequestLine {
  std::string method, authority, path;
};

RequestLine readRequestLine(std::string_view line, const std::string& host) {
  constexpr std::string_view kScheme = "http://";
  const std::size_t method = std::min(line.find(' '), line.size());
  const std::size_t version = std::min(line.rfind(" HTTP/"), line.size());
  RequestLine read{std::string(line.substr(0, method)), host, {}};
  std::string_view target = line.substr(std::min(method + 1, version), version - std::min(method + 1, version));
  if (read.method == "CONNECT") {
    read.authority = target;
    return read;
  }
  if (target.starts_with(kScheme)) {
    target.remove_prefix(kScheme.size());
    const std::size_t slash = std::min(target.find('/'), target.size());
    read.authority = target.substr(0, slash);
    target.remove_prefix(slash);
  }
  read.path = target;
  return read;
}

}  // namespace

std::optional<std::string> H2RequestText::line() {
  const std::size_t end = text_.find("\r\n");
  if (end == std::string::npos) {
    return std::nullopt;
  }
  std::string taken = text_.substr(0, end);
  text_.erase(0, end + 2);
  return taken;
}

std::optional<H2RequestText::Event> H2RequestText::next() {
  switch (state_) {
    case State::Head:
      return nextHead();
    case State::Length:
      return nextData(State::Head);
    case State::Chunk:
      return nextData(State::ChunkEnd);
    case State::ChunkEnd:
      state_ = line() ? State::ChunkLine : state_;
      return state_ == State::ChunkLine ? next() : std::nullopt;
    case State::ChunkLine:
      if (const auto size = line()) {
        left_ = std::strtoull(size->c_str(), nullptr, 16);
        state_ = left_ == 0 ? State::Trailers : State::Chunk;
        return next();
      }
      return std::nullopt;
    case State::Trailers:
      while (const auto field = line()) {
        if (field->empty()) {
          state_ = State::Head;
          return Event{Event::Kind::End, std::exchange(trailers_, {}), {}, true, false};
        }
        trailers_.push_back(readLine(*field));
      }
      return std::nullopt;
    case State::Tunnel:
      return text_.empty() ? std::nullopt
                           : std::optional(Event{Event::Kind::Body, {}, std::exchange(text_, {}), false, false});
  }
  return std::nullopt;
}

std::optional<H2RequestText::Event> H2RequestText::nextHead() {
  const std::size_t end = text_.find("\r\n\r\n");
  if (end == std::string::npos) {
    return std::nullopt;
  }
  const std::string first = line().value();
  H2TextFields fields;
  while (true) {
    const std::string each = line().value();
    if (each.empty()) {
      break;
    }
    fields.push_back(readLine(each));
  }
  const RequestLine request = readRequestLine(first, valueOf(fields, "host"));
  const std::string upgrade = valueOf(fields, "upgrade");
  Event event;
  event.tunnel = !upgrade.empty();
  event.fields.emplace_back(":method", event.tunnel ? "CONNECT" : request.method);
  if (event.tunnel) {
    event.fields.emplace_back(":protocol", upgrade);
  }
  if (request.method != "CONNECT") {
    event.fields.emplace_back(":scheme", scheme_);
    event.fields.emplace_back(":path", request.path);
  }
  if (!request.authority.empty()) {
    event.fields.emplace_back(":authority", request.authority);
  }
  std::copy_if(fields.begin(), fields.end(), std::back_inserter(event.fields), [&](const auto& field) {
    const bool is_authority = field.first == "host" && field.second == request.authority;
    return !isLeftOut(field.first) && !is_authority;
  });
  left_ = std::strtoull(valueOf(fields, "content-length").c_str(), nullptr, 10);
  if (event.tunnel) {
    state_ = State::Tunnel;
  } else if (lower(valueOf(fields, "transfer-encoding")).find("chunked") != std::string::npos) {
    state_ = State::ChunkLine;
  } else if (left_ > 0) {
    state_ = State::Length;
  }
  event.ends = state_ == State::Head;
  return event;
}

// Of the body, or of a chunk; `behind` it the next state.
std::optional<H2RequestText::Event> H2RequestText::nextData(State behind) {
  if (text_.empty()) {
    return std::nullopt;
  }
  Event event{Event::Kind::Body, {}, {}, false, false};
  if (text_.size() <= left_) {
    event.body = std::exchange(text_, {});
  } else {
    event.body = text_.substr(0, left_);
    text_.erase(0, left_);
  }
  left_ -= event.body.size();
  if (left_ == 0) {
    state_ = behind;
    event.ends = behind == State::Head;
  }
  return event;
}

}  // namespace gatewhy::test
