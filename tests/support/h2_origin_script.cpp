// SPDX-License-Identifier: Apache-2.0
#include "tests/support/h2_origin_script.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "tests/support/h2_request_text.h"

namespace gatewhy::test {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

// A line that is no field becomes one that is none either.
std::pair<std::string, std::string> fieldOf(std::string_view line) {
  const std::size_t colon = std::min(line.find(':'), line.size());
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  return {lowered(line.substr(0, colon)), std::string(value)};
}

std::optional<std::uint64_t> wholeNumber(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

Step textStep(StepKind kind, std::string_view text) {
  Step step;
  step.kind = kind;
  step.text = text;
  return step;
}

// HEADERS, in as many frames as it takes.
Step fieldStep(StepKind kind, H2TextFields fields) {
  constexpr std::size_t kMostInFrame = 12000;
  std::size_t size = 0;
  for (const auto& [name, value] : fields) {
    size += name.size() + value.size() + 8;
  }
  Step step;
  step.kind = kind;
  step.options = std::move(fields);
  step.options.emplace_back("frames", std::to_string(size / kMostInFrame + 1));
  return step;
}

// A server's HTTP/1.1, cut into frames.
class ResponseText {
 public:
  explicit ResponseText(Script& out) : out_(out) {}

  // False: HTTP/2 has no place for it.
  bool feed(std::string_view text);
  // The connection ends.
  void end();
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  enum class State : std::uint8_t { Head, Length, UntilEnd, ChunkLine, Chunk, ChunkEnd, Trailers };

  bool next();  // false: more is needed, or there is a problem
  bool head();
  bool data();
  bool chunkLine();
  bool trailerLine();
  void beginBody(unsigned status, const H2TextFields& fields, bool chunked);
  std::optional<std::string> line();
  bool fail(std::string problem);

  Script& out_;
  std::string text_;
  State state_ = State::Head;
  std::uint64_t left_ = 0;  // of the body, or of a chunk
  H2TextFields trailers_;
  std::string problem_;
};

bool ResponseText::feed(std::string_view text) {
  text_ += text;
  while (!text_.empty() && next()) {
  }
  return problem_.empty();
}

void ResponseText::end() {
  if (state_ == State::UntilEnd) {
    out_.push_back(textStep(StepKind::LastData, ""));
    state_ = State::Head;
  }
}

bool ResponseText::fail(std::string problem) {
  problem_ = std::move(problem);
  return false;
}

bool ResponseText::next() {
  switch (state_) {
    case State::Head:
      return head();
    case State::Length:
    case State::Chunk:
    case State::UntilEnd:
      return data();
    case State::ChunkLine:
      return chunkLine();
    case State::ChunkEnd:
      state_ = State::ChunkLine;
      return line().has_value();
    case State::Trailers:
      return trailerLine();
  }
  return false;
}

std::optional<std::string> ResponseText::line() {
  const std::size_t end = text_.find(kLineEnd);
  if (end == std::string::npos) {
    return std::nullopt;
  }
  std::string line = text_.substr(0, end);
  text_.erase(0, end + kLineEnd.size());
  return line;
}

bool ResponseText::head() {
  constexpr std::string_view kVersion = "HTTP/1.";
  if (!std::string_view(text_).starts_with(kVersion.substr(0, text_.size()))) {
    return fail(fmt::format("'{}' is no head of a response", text_.substr(0, 20)));
  }
  if (text_.find(kHeadEnd) == std::string::npos) {
    return false;
  }
  const std::string status = line()->substr(std::string_view("HTTP/1.1 ").size()).substr(0, 3);
  H2TextFields fields{{":status", status}};
  bool chunked = false;
  for (std::string text = *line(); !text.empty(); text = *line()) {
    auto [name, value] = fieldOf(text);
    if (name == "transfer-encoding" && value != "chunked") {
      return fail("a transfer coding");
    }
    chunked = chunked || name == "transfer-encoding";
    if (name != "connection" && name != "keep-alive" && name != "transfer-encoding" && name != "upgrade") {
      fields.emplace_back(std::move(name), std::move(value));
    }
  }
  const auto number = static_cast<unsigned>(wholeNumber(status, 10).value_or(0));
  if (number == 101) {
    return fail("101 (Switching Protocols)");
  }
  beginBody(number, fields, chunked);
  return true;
}

void ResponseText::beginBody(unsigned status, const H2TextFields& fields, bool chunked) {
  const auto named =
      std::find_if(fields.begin(), fields.end(), [](const auto& f) { return f.first == "content-length"; });
  const auto length = named == fields.end() ? std::nullopt : wholeNumber(named->second, 10);
  const bool interim = status < 200;
  const bool bare = !interim && (status == 204 || status == 304 || (!chunked && length == 0));
  Step step = fieldStep(StepKind::Headers, fields);
  if (bare) {
    step.options.emplace_back("end_stream", "true");
  }
  out_.push_back(std::move(step));
  left_ = length.value_or(0);
  state_ = interim || bare ? State::Head : chunked ? State::ChunkLine : length ? State::Length : State::UntilEnd;
}

bool ResponseText::data() {
  const std::size_t size = state_ == State::UntilEnd ? text_.size() : std::min<std::uint64_t>(left_, text_.size());
  left_ -= state_ == State::UntilEnd ? 0 : size;
  const bool last = state_ == State::Length && left_ == 0;
  out_.push_back(textStep(last ? StepKind::LastData : StepKind::Data, std::string_view(text_).substr(0, size)));
  text_.erase(0, size);
  if (last) {
    state_ = State::Head;
  } else if (state_ == State::Chunk && left_ == 0) {
    state_ = State::ChunkEnd;
  }
  return true;
}

bool ResponseText::chunkLine() {
  const auto text = line();
  if (!text) {
    return false;
  }
  const auto size = wholeNumber(*text, 16);
  if (!size) {
    return fail(fmt::format("a chunk's size '{}'", *text));
  }
  left_ = *size;
  state_ = left_ == 0 ? State::Trailers : State::Chunk;
  return true;
}

bool ResponseText::trailerLine() {
  const auto text = line();
  if (!text) {
    return false;
  }
  if (!text->empty()) {
    trailers_.push_back(fieldOf(*text));
    return true;
  }
  state_ = State::Head;
  out_.push_back(trailers_.empty() ? textStep(StepKind::LastData, "")
                                   : fieldStep(StepKind::Trailers, std::exchange(trailers_, {})));
  return true;
}

// What a script may do before its connection speaks HTTP.
bool comesBeforeHttp(StepKind kind) {
  constexpr std::array kKinds{StepKind::Accept, StepKind::Tls,   StepKind::SendRaw, StepKind::Pause,
                              StepKind::Signal, StepKind::Wait,  StepKind::Run,     StepKind::CloseNotify,
                              StepKind::Fin,    StepKind::Reset, StepKind::Close};
  return std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end();
}

// One stream at a time, as the story was written for.
Step beginHttp2() {
  Step step;
  step.kind = StepKind::H2;
  step.options.emplace_back("max_concurrent_streams", "1");
  return step;
}

// The peer has always something to say, such as that it knows our SETTINGS:
// TCP makes a reset of a close before that is read.
void closeGently(Script& out, bool tls) {
  for (const StepKind kind : {StepKind::CloseNotify, StepKind::Fin, StepKind::WaitClose}) {
    if (tls || kind != StepKind::CloseNotify) {
      out.emplace_back().kind = kind;
    }
  }
}

// Whoever reaches the end of such a script still has a connection.
bool staysOpen(const Script& script) {
  constexpr std::array kLast{StepKind::Close, StepKind::Reset, StepKind::Hold, StepKind::WaitClose, StepKind::Again};
  return script.empty() || std::find(kLast.begin(), kLast.end(), script.back().kind) == kLast.end();
}

std::string repeated(const Step& step) {
  std::string text;
  for (std::uint64_t i = 0; i < step.count; ++i) {
    text += step.text;
  }
  return text;
}

}  // namespace

Result<Script, std::string> overHttp2(const Script& script, ScriptBegin begin) {
  Script out;
  ResponseText response(out);
  bool begun = begin == ScriptBegin::Request;
  bool tls = false;
  for (const Step& step : script) {
    if (!begun && !comesBeforeHttp(step.kind)) {
      out.push_back(beginHttp2());
      begun = true;
    }
    if (step.kind == StepKind::Read || step.kind == StepKind::SendFile) {
      return Failure{fmt::format("'{}' counts the bytes of HTTP/1.1", name(step.kind))};
    }
    if (step.kind == StepKind::Send || step.kind == StepKind::Repeat) {
      if (!response.feed(step.kind == StepKind::Send ? step.text : repeated(step))) {
        return Failure{fmt::format("HTTP/2 has no place for {}", response.problem())};
      }
      continue;
    }
    if (step.kind == StepKind::Close || step.kind == StepKind::CloseNotify || step.kind == StepKind::Fin) {
      response.end();
    }
    if (step.kind == StepKind::Close && begun) {
      closeGently(out, tls);
      continue;
    }
    out.push_back(step);
    if (step.kind == StepKind::Tls) {
      tls = true;
      if (step.option("alpn").empty()) {
        out.back().options.emplace_back("alpn", "h2");
      }
    }
  }
  response.end();
  if (begin == ScriptBegin::Connection && begun && staysOpen(script)) {
    closeGently(out, tls);
  }
  return out;
}

}  // namespace gatewhy::test
