// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/grpc_health.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diagnostics/grpc_status.h"

namespace gatewhy {
namespace {

constexpr std::size_t kPrefixSize = 5;  // a flag, and the message's length
constexpr unsigned kBitsOfByte = 8, kBitsOfVarint = 7, kMoreFollows = 0x80;
constexpr std::size_t kLongestVarint = 10;
constexpr std::uint64_t kFieldOfRequest = 1, kFieldOfResponse = 1, kServing = 1;
constexpr std::size_t kShownBytes = 16;
constexpr std::size_t kLongestShownMessage = 256;

// Of a field of protobuf: what its value looks like.
enum class WireType : std::uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };
constexpr unsigned kWireTypeBits = 3, kWireTypeMask = 7;

void appendVarint(std::string& out, std::uint64_t value) {
  for (; value >= kMoreFollows; value >>= kBitsOfVarint) {
    out.push_back(static_cast<char>(value | kMoreFollows));
  }
  out.push_back(static_cast<char>(value));
}

// Takes it from the front; nullopt: it does not end, or is too long.
std::optional<std::uint64_t> takeVarint(std::string_view& rest) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < std::min(rest.size(), kLongestVarint); ++i) {
    const auto byte = static_cast<unsigned char>(rest[i]);
    value |= std::uint64_t{byte & (kMoreFollows - 1)} << (kBitsOfVarint * i);
    if (byte < kMoreFollows) {
      rest.remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

// The size of a value that is not a varint; nullopt: there is no such type.
std::optional<std::uint64_t> sizeOfValue(std::uint64_t type, std::string_view& rest) {
  switch (static_cast<WireType>(type)) {
    case WireType::Fixed64:
      return sizeof(std::uint64_t);
    case WireType::Fixed32:
      return sizeof(std::uint32_t);
    case WireType::Bytes:
      return takeVarint(rest);
    case WireType::Varint:
      break;
  }
  return std::nullopt;
}

// Fields that the protocol does not have are passed over, and of several the
// last one counts, as protobuf wants it. nullopt: not protobuf.
std::optional<std::uint64_t> statusIn(std::string_view message) {
  std::uint64_t status = 0;
  while (!message.empty()) {
    const auto tag = takeVarint(message);
    if (!tag || *tag >> kWireTypeBits == 0) {
      return std::nullopt;
    }
    const std::uint64_t type = *tag & kWireTypeMask;
    if (type == static_cast<std::uint64_t>(WireType::Varint)) {
      const auto value = takeVarint(message);
      if (!value) {
        return std::nullopt;
      }
      status = *tag >> kWireTypeBits == kFieldOfResponse ? *value : status;
      continue;
    }
    const auto size = sizeOfValue(type, message);
    if (!size || *size > message.size()) {
      return std::nullopt;
    }
    message.remove_prefix(*size);
  }
  return status;
}

std::string hexOf(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes.substr(0, kShownBytes)) {
    text += fmt::format("{}{:02x}", text.empty() ? "" : " ", static_cast<unsigned char>(byte));
  }
  return bytes.size() > kShownBytes ? text + " …" : text;
}

Failure<std::string> brokenContent(std::string_view content, std::string_view what) {
  return Failure{content.empty() ? std::string(what) : fmt::format("{}: {}", what, hexOf(content))};
}

}  // namespace

std::string healthRequest(std::string_view service) {
  std::string message;
  if (!service.empty()) {
    appendVarint(message, kFieldOfRequest << kWireTypeBits | static_cast<std::uint64_t>(WireType::Bytes));
    appendVarint(message, service.size());
    message += service;
  }
  std::string request(1, '\0');  // not compressed
  for (std::size_t byte = kPrefixSize - 1; byte-- > 0;) {
    request.push_back(static_cast<char>(message.size() >> (kBitsOfByte * byte)));
  }
  return request + message;
}

Result<std::uint64_t, std::string> servingStatus(std::string_view content) {
  if (content.empty()) {
    return brokenContent(content, "it has no message");
  }
  if (content.size() < kPrefixSize) {
    return brokenContent(content, "its message ends within the prefix");
  }
  if (content.front() != '\0') {
    return brokenContent(content, "its message is compressed, which was not asked for");
  }
  std::uint64_t size = 0;
  for (const char byte : content.substr(1, kPrefixSize - 1)) {
    size = size << kBitsOfByte | static_cast<unsigned char>(byte);
  }
  const std::string_view message = content.substr(kPrefixSize);
  if (message.size() != size) {
    return brokenContent(content, fmt::format("its message should have {} bytes, and {} came", size, message.size()));
  }
  const auto status = statusIn(message);
  if (!status) {
    return brokenContent(content, "its message is not that of a health check");
  }
  return *status;
}

std::string_view servingStatusName(std::uint64_t status) noexcept {
  static constexpr std::array<std::string_view, 4> kNames = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
  return status < kNames.size() ? kNames.at(status) : std::string_view();
}

std::optional<std::string> healthHeadComplaint(const ResponseHead& head) {
  constexpr std::uint16_t kOk = 200;
  const std::string_view type = head.valueOf(FieldId::ContentType);
  if (head.status == kOk && grpcKind(type) == GrpcKind::Native) {
    return std::nullopt;
  }
  return fmt::format("answered {} {}, which is no gRPC", head.status,
                     type.empty() ? "without a Content-Type" : fmt::format("with Content-Type {}", type));
}

std::optional<std::string> healthComplaint(const GrpcEnd& end, std::string_view content) {
  if (!end.status) {
    return "ended without a grpc-status";
  }
  if (*end.status != 0) {
    const std::string_view name = grpcStatusName(*end.status);
    const std::string message = decodeGrpcMessage(end.message, kLongestShownMessage);
    return fmt::format("ended with grpc-status {}{}{}{}", *end.status, name.empty() ? "" : fmt::format(" ({})", name),
                       message.empty() ? "" : ": ", message);
  }
  const auto status = servingStatus(content);
  if (!status) {
    return fmt::format("gave an answer that cannot be read: {}", status.error());
  }
  if (*status == kServing) {
    return std::nullopt;
  }
  const std::string_view name = servingStatusName(*status);
  return name.empty() ? fmt::format("answered with status {}, not SERVING", *status)
                      : fmt::format("answered {}, not SERVING", name);
}

}  // namespace gatewhy
