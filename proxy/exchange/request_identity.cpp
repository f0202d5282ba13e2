// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/request_identity.h"

#include <algorithm>

#include "diagnostics/text_buffer.h"

namespace gatewhy {
namespace {

constexpr std::size_t kHexDigits = 16;  // of a 64-bit number

bool isLowerHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool allZero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

void RequestIdentity::assign(std::string_view given_id, std::string_view given_traceparent, IdGenerator& ids) {
  if (isAcceptableRequestId(given_id)) {
    std::copy(given_id.begin(), given_id.end(), id_.begin());
    id_size_ = static_cast<std::uint8_t>(given_id.size());
  } else {
    putHex(id_.data(), ids.next());
    putHex(&id_[kHexDigits], ids.next());
    id_size_ = 2 * kHexDigits;
  }
  if (traceIdOf(given_traceparent).empty()) {
    // Not sampled: that decision belongs to who records traces.
    constexpr std::string_view kForm = "00-00000000000000000000000000000000-0000000000000000-00";
    static_assert(kForm.size() == kTraceparentSize);
    std::copy(kForm.begin(), kForm.end(), traceparent_.begin());
    putHex(&traceparent_[kTraceAt], ids.next() | 1);  // never all zero
    putHex(&traceparent_[kTraceAt + kHexDigits], ids.next());
  } else {
    std::copy(given_traceparent.begin(), given_traceparent.end(), traceparent_.begin());
    const std::string_view parent = given_traceparent.substr(kParentAt, kSpanSize);
    std::copy(parent.begin(), parent.end(), parent_.begin());
  }
  putHex(&traceparent_[kParentAt], ids.next() | 1);
}

std::string_view traceIdOf(std::string_view traceparent) noexcept {
  if (traceparent.size() != 55 || traceparent.substr(0, 3) != "00-" || traceparent[35] != '-' ||
      traceparent[52] != '-') {
    return {};
  }
  const auto trace = traceparent.substr(3, 32);
  const auto parent = traceparent.substr(36, 16);
  if (!isLowerHex(trace) || !isLowerHex(parent) || !isLowerHex(traceparent.substr(53)) || allZero(trace) ||
      allZero(parent)) {
    return {};
  }
  return trace;
}

bool isAcceptableRequestId(std::string_view id) noexcept {
  const auto fine = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-_.:/+=@").find(c) != std::string_view::npos;
  };
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), fine);
}

}  // namespace gatewhy
