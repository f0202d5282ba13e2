// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/h2_words.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

namespace gatewhy {

std::string h2FrameName(std::uint8_t type) {
  static constexpr std::string_view kNames[] = {"DATA",         "HEADERS", "PRIORITY", "RST_STREAM",    "SETTINGS",
                                                "PUSH_PROMISE", "PING",    "GOAWAY",   "WINDOW_UPDATE", "CONTINUATION",
                                                "ALTSVC",       "",        "ORIGIN"};
  constexpr std::uint8_t kPriorityUpdate = 0x10;
  if (type < std::size(kNames) && !kNames[type].empty()) {
    return std::string(kNames[type]);
  }
  return type == kPriorityUpdate ? "PRIORITY_UPDATE" : fmt::format("frame type {:#04x}", type);
}

namespace {

struct CodeWords {
  std::string_view name, meaning;
};
constexpr CodeWords kCodes[] = {
    {"NO_ERROR", "nothing is wrong"},
    {"PROTOCOL_ERROR", "a rule of HTTP/2 is broken"},
    {"INTERNAL_ERROR", "the sender of the code failed"},
    {"FLOW_CONTROL_ERROR", "more is sent than the window allows"},
    {"SETTINGS_TIMEOUT", "SETTINGS are not acknowledged"},
    {"STREAM_CLOSED", "a frame comes for a stream that is closed"},
    {"FRAME_SIZE_ERROR", "a frame has the wrong size"},
    {"REFUSED_STREAM", "the stream was not looked at"},
    {"CANCEL", "the stream is not needed any more"},
    {"COMPRESSION_ERROR", "a block of fields cannot be unpacked"},
    {"CONNECT_ERROR", "the connection behind CONNECT broke"},
    {"ENHANCE_YOUR_CALM", "the peer makes too much work"},
    {"INADEQUATE_SECURITY", "TLS is not good enough"},
    {"HTTP_1_1_REQUIRED", "HTTP/1.1 is to be used"},
};

}  // namespace

std::string h2CodeName(std::uint32_t code) {
  return code < std::size(kCodes) ? std::string(kCodes[code].name) : fmt::format("error code {:#x}", code);
}

std::string_view h2CodeMeaning(std::uint32_t code) {
  return code < std::size(kCodes) ? kCodes[code].meaning : "a code that RFC 9113 does not have";
}

}  // namespace gatewhy
