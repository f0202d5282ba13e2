// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/request_identity.h"

#include <algorithm>
#include <array>

namespace gatewhy {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

void appendHex(std::string& out, std::uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4) {
    out.push_back(kHex[(value >> shift) & 0xf]);
  }
}

bool isLowerHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return kHex.find(c) != std::string_view::npos; });
}

bool allZero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

IdGenerator::IdGenerator() {
  std::random_device device;
  std::array<std::uint32_t, 8> words{};
  std::generate(words.begin(), words.end(), std::ref(device));
  std::seed_seq seed(words.begin(), words.end());
  random_.seed(seed);
}

std::string IdGenerator::requestId() {
  std::string id;
  id.reserve(32);
  appendHex(id, random_());
  appendHex(id, random_());
  return id;
}

std::string_view traceIdOf(std::string_view traceparent) noexcept {
  // 00-<32 hex trace id>-<16 hex parent id>-<2 hex flags>
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

std::string childTraceparent(std::string_view traceparent, IdGenerator& ids) {
  std::string out(traceparent.substr(0, 36));
  appendHex(out, ids.next() | 1);  // never all zero
  out += traceparent.substr(52);
  return out;
}

std::string newTraceparent(IdGenerator& ids) {
  std::string out = "00-";
  appendHex(out, ids.next() | 1);
  appendHex(out, ids.next());
  out += '-';
  appendHex(out, ids.next() | 1);
  out += "-00";  // not sampled: that decision belongs to who records traces
  return out;
}

bool isAcceptableRequestId(std::string_view id) noexcept {
  const auto fine = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-_.:/+=@").find(c) != std::string_view::npos;
  };
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), fine);
}

}  // namespace gatewhy
