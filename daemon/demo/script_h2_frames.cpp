// SPDX-License-Identifier: Apache-2.0
#include "daemon/demo/script_h2_frames.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "diagnostics/h2_words.h"

namespace gatewhy::script_h2 {
namespace {

constexpr std::size_t kMostPayload = 16384;  // SETTINGS_MAX_FRAME_SIZE at first

void appendNumber(std::string& out, std::uint64_t value, int octets) {
  for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift & 0xff);
  }
}

std::string frameOfLength(std::uint32_t length, std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                          std::string_view payload) {
  std::string out;
  appendNumber(out, length, 3);
  appendNumber(out, type, 1);
  appendNumber(out, flags, 1);
  appendNumber(out, stream, 4);
  return out.append(payload);
}

// A string of HPACK (RFC 7541 section 5.2): its length behind a prefix of 7 bits.
void appendHpackString(std::string& out, std::string_view text) {
  constexpr std::uint64_t kMost = 127;
  std::uint64_t length = text.size();
  if (length < kMost) {
    out += static_cast<char>(length);
  } else {
    out += static_cast<char>(kMost);
    for (length -= kMost; length >= 128; length >>= 7) {
      out += static_cast<char>(0x80 | (length & 0x7f));
    }
    out += static_cast<char>(length);
  }
  out += text;
}

std::optional<std::uint32_t> frameType(std::string_view text) {
  constexpr std::uint8_t kTypes = 10;
  for (std::uint8_t type = 0; type < kTypes; ++type) {
    if (h2FrameName(type) == text) {
      return type;
    }
  }
  return number(text);
}

}  // namespace

FrameHead readFrameHead(std::string_view octets) {
  const auto at = [octets](std::size_t i) { return static_cast<std::uint32_t>(static_cast<std::uint8_t>(octets[i])); };
  return {.length = at(0) << 16 | at(1) << 8 | at(2),
          .type = static_cast<Frame>(at(3)),
          .flags = static_cast<std::uint8_t>(at(4)),
          .stream = (at(5) & 0x7f) << 24 | at(6) << 16 | at(7) << 8 | at(8)};
}

std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
  return frameOfLength(static_cast<std::uint32_t>(payload.size()), type, flags, stream, payload);
}

std::string frame(Frame type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
  return frame(static_cast<std::uint8_t>(type), flags, stream, payload);
}

std::string fieldBlock(const Fields& fields) {
  std::string block;
  for (const auto& [name, value] : fields) {
    block += '\0';
    appendHpackString(block, name);
    appendHpackString(block, value);
  }
  return block;
}

std::string headers(std::uint32_t stream, const Fields& fields, bool ends, std::size_t frames) {
  const std::string block = fieldBlock(fields);
  const std::size_t piece = block.size() / std::max<std::size_t>(frames, 1) + 1;
  std::string out;
  std::size_t at = 0;
  do {
    const std::string_view part = std::string_view(block).substr(at, piece);
    const bool first = at == 0;
    at += part.size();
    const unsigned flags = (first && ends ? kEndStream : 0U) | (at == block.size() ? kEndHeaders : 0U);
    out += frame(first ? Frame::Headers : Frame::Continuation, static_cast<std::uint8_t>(flags), stream, part);
  } while (at < block.size());
  return out;
}

std::string data(std::uint32_t stream, std::string_view octets, bool ends) {
  std::string out;
  do {
    const std::string_view part = octets.substr(0, kMostPayload);
    octets.remove_prefix(part.size());
    out += frame(Frame::Data, ends && octets.empty() ? kEndStream : 0, stream, part);
  } while (!octets.empty());
  return out;
}

std::string rstStream(std::uint32_t stream, std::uint32_t code) {
  std::string payload;
  appendNumber(payload, code, 4);
  return frame(Frame::RstStream, 0, stream, payload);
}

std::string goAway(std::uint32_t last, std::uint32_t code, std::string_view debug) {
  std::string payload;
  appendNumber(payload, last, 4);
  appendNumber(payload, code, 4);
  return frame(Frame::GoAway, 0, 0, payload.append(debug));
}

std::string windowUpdate(std::uint32_t stream, std::uint32_t increment) {
  std::string payload;
  appendNumber(payload, increment, 4);
  return frame(Frame::WindowUpdate, 0, stream, payload);
}

std::optional<std::uint32_t> number(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x");
  text.remove_prefix(hexadecimal ? 2 : 0);
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hexadecimal ? 16 : 10);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::optional<std::uint32_t> errorCode(std::string_view text) {
  constexpr std::uint32_t kCodes = 14;
  for (std::uint32_t code = 0; code < kCodes; ++code) {
    if (h2CodeName(code) == text) {
      return code;
    }
  }
  return number(text);
}

std::optional<std::string> settings(const Step& step) {
  constexpr std::array<std::string_view, 9> kNames = {"",
                                                      "header_table_size",
                                                      "enable_push",
                                                      "max_concurrent_streams",
                                                      "initial_window_size",
                                                      "max_frame_size",
                                                      "max_header_list_size",
                                                      "",
                                                      "enable_connect_protocol"};
  std::string payload;
  for (const auto& [key, text] : step.options) {
    const auto named = std::find(kNames.begin() + 1, kNames.end(), std::string_view(key));
    const auto id =
        named == kNames.end() ? number(key) : std::optional(static_cast<std::uint32_t>(named - kNames.begin()));
    const auto value = number(text);
    if (!id || !value) {
      return std::nullopt;
    }
    appendNumber(payload, *id, 2);
    appendNumber(payload, *value, 4);
  }
  return frame(Frame::Settings, 0, 0, payload);
}

std::optional<std::string> rawFrame(const Step& step, std::uint32_t stream) {
  std::optional<std::uint32_t> type = 0;
  std::optional<std::uint32_t> flags = 0;
  std::optional<std::uint32_t> of_stream = stream;
  std::optional<std::uint32_t> length;
  std::string_view payload;
  for (const auto& [key, text] : step.options) {
    if (key == "type") {
      type = frameType(text);
    } else if (key == "flags") {
      flags = number(text);
    } else if (key == "stream") {
      of_stream = number(text);
    } else if (key == "payload") {
      payload = text;
    } else if (key == "length" && number(text)) {
      length = number(text);
    } else {
      return std::nullopt;
    }
  }
  if (!type || !flags || !of_stream) {
    return std::nullopt;
  }
  return frameOfLength(length.value_or(static_cast<std::uint32_t>(payload.size())), static_cast<std::uint8_t>(*type),
                       static_cast<std::uint8_t>(*flags), *of_stream, payload);
}

}  // namespace gatewhy::script_h2
