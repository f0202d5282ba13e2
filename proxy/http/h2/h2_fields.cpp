// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/h2/h2_fields.h"

#include <algorithm>
#include <array>

#include "diagnostics/field_id.h"
#include "diagnostics/octets.h"
#include "proxy/http/evidence_limits.h"
#include "proxy/http/field_line.h"
#include "proxy/http/trailer_fields.h"

namespace gatewhy {
namespace {

constexpr std::string_view kBetween = ": ";
constexpr std::string_view kLineEnd = "\r\n";

// RFC 9113 section 8.2.2.
bool isOfConnection(FieldId id) {
  return id == FieldId::Connection || id == FieldId::KeepAlive || id == FieldId::ProxyConnection ||
         id == FieldId::TransferEncoding || id == FieldId::Upgrade;
}

std::uint8_t* octetsOf(std::string_view text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));  // nghttp2 reads them
}

nghttp2_nv pairOf(std::string_view name, std::string_view value) {
  return {octetsOf(name), octetsOf(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

// RFC 9113 section 8.2.2: of TE, "trailers" alone.
bool mayPass(FieldId id, std::string_view value) {
  return !isOfConnection(id) && (id != FieldId::Te || equalsIgnoreCase(value, "trailers"));
}

// The fields that are treated here in a way of their own; Other: all the rest,
// nearly always told by size and first letter.
FieldId notableId(std::string_view name) {
  constexpr std::string_view kNotable[] = {
      "te",          "host",         "upgrade",          "connection",        "keep-alive",
      "traceparent", "x-request-id", "proxy-connection", "transfer-encoding", "sec-websocket-key"};
  constexpr std::size_t kLongest = 17;
  constexpr auto kLetters = [&] {
    std::array<std::uint32_t, kLongest + 1> letters{};  // by size, a bit for each
    for (const std::string_view each : kNotable) {
      letters[each.size()] |= 1U << (each.front() & 0x1F);
    }
    return letters;
  }();
  const bool may_be =
      !name.empty() && name.size() <= kLongest && (kLetters[name.size()] >> (name.front() & 0x1F) & 1U) != 0;
  return may_be ? fieldId(name) : FieldId::Other;
}

// Our own lines are sound.
template <typename Each>
void forEachLine(std::string_view fields, const Each& each) {
  while (!fields.empty()) {
    const std::size_t end = std::min(fields.find('\r'), fields.size());
    const std::string_view line = fields.substr(0, end);
    fields.remove_prefix(std::min(end + kLineEnd.size(), fields.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      continue;  // the end of a head
    }
    const std::string_view name = line.substr(0, colon);
    each(notableId(name), name, octets::trimmed(line.substr(colon + 1)));
  }
}

// RFC 9113 section 8.2.1.
std::optional<H2FieldFault> judgeName(std::string_view name) noexcept {
  if (name.empty()) {
    return H2FieldFault{ParseError::FieldNameEmpty, 0};
  }
  const std::size_t end = octets::skip(name, 0, octets::kToken);
  const std::string_view token = name.substr(0, end);
  const auto upper = std::find_if(token.begin(), token.end(), [](char octet) { return octet >= 'A' && octet <= 'Z'; });
  if (upper != token.end()) {
    return H2FieldFault{ParseError::FieldNameUppercase, static_cast<std::size_t>(upper - token.begin())};
  }
  if (end != name.size()) {
    return H2FieldFault{octetError(name[end], ParseError::FieldNameInvalid), end};
  }
  return std::nullopt;
}

std::optional<H2FieldFault> judgeValue(std::string_view name, std::string_view value) noexcept {
  const std::size_t at = name.size() + kBetween.size();
  const std::size_t bad = findInvalidValueOctet(value, 0);
  if (bad != value.size()) {
    return H2FieldFault{octetError(value[bad], ParseError::FieldValueInvalid), at + bad};
  }
  if (!value.empty() && octets::isBlank(value.front())) {
    return H2FieldFault{ParseError::FieldValueInvalid, at};
  }
  if (!value.empty() && octets::isBlank(value.back())) {
    return H2FieldFault{ParseError::FieldValueInvalid, at + value.size() - 1};
  }
  return std::nullopt;
}

}  // namespace

void H2FieldList::status(std::uint16_t status) {
  constexpr std::uint16_t kTen = 10;
  for (std::size_t at = std::size(status_); at-- > 0; status = static_cast<std::uint16_t>(status / kTen)) {
    status_[at] = static_cast<char>('0' + status % kTen);
  }
  add(":status", {status_, std::size(status_)});
}

void H2FieldList::lines(std::string_view fields) {
  forEachLine(fields, [this](FieldId id, std::string_view name, std::string_view value) {
    if (mayPass(id, value)) {
      add(id, name, value);
    }
  });
}

bool H2FieldList::request(std::string_view head, bool https, std::string_view protocol) {
  const std::size_t method_end = head.find(' ');
  const std::size_t line_end = std::min(head.find(kLineEnd), head.size());
  const std::size_t target_end = head.rfind(' ', line_end);
  if (method_end >= line_end || target_end <= method_end) {
    return false;
  }
  const std::string_view method = head.substr(0, method_end);
  const std::string_view target = head.substr(method_end + 1, target_end - method_end - 1);
  const bool tunnel = method == "CONNECT";
  if (!tunnel && !target.starts_with('/') && target != "*") {
    return false;
  }
  add(":method", protocol.empty() ? method : "CONNECT");
  add(":authority", tunnel ? target : std::string_view());
  const std::size_t authority = fields_.size() - 1;
  if (!tunnel) {
    add(":scheme", https ? "https" : "http");
    add(":path", target);
  }
  if (!protocol.empty()) {
    add(":protocol", protocol);
  }
  forEachLine(head.substr(std::min(line_end + kLineEnd.size(), head.size())),
              [&](FieldId id, std::string_view name, std::string_view value) {
                if (id == FieldId::Host) {
                  fields_[authority] = pairOf(":authority", tunnel ? target : value);
                } else if (mayPass(id, value) && (protocol.empty() || id != FieldId::SecWebSocketKey)) {
                  add(id, name, value);
                }
              });
  if (fields_[authority].valuelen == 0) {
    fields_.erase(fields_.begin() + static_cast<std::ptrdiff_t>(authority));
  }
  return true;
}

void H2FieldList::add(std::string_view name, std::string_view value) {
  fields_.push_back(pairOf(name, value));
}

// What is another one in each message would only push the rest out of the peer's table (RFC 7541 section 6.2.3).
void H2FieldList::add(FieldId id, std::string_view name, std::string_view value) {
  add(name, value);
  if (id == FieldId::XRequestId || id == FieldId::Traceparent) {
    fields_.back().flags = NGHTTP2_NV_FLAG_NO_INDEX;
  }
}

std::optional<H2FieldFault> judgeH2Field(std::string_view name, std::string_view value) noexcept {
  if (auto fault = judgeName(name)) {
    return fault;
  }
  if (auto fault = judgeValue(name, value)) {
    return fault;
  }
  const FieldId id = notableId(name);
  if (isOfConnection(id) || (id == FieldId::Te && !equalsIgnoreCase(value, "trailers"))) {
    return H2FieldFault{ParseError::FieldOfConnection, 0};
  }
  return std::nullopt;
}

ParseFault toParseFault(const H2FieldFault& fault, std::string_view name, std::string_view value, std::size_t before,
                        const Redaction& redact) {
  std::string line;
  line.append(name.substr(0, kMostEvidence)).append(kBetween).append(value.substr(0, kMostEvidence));
  ParseFault shown;
  shown.error = fault.error;
  shown.offset = before + fault.at;
  shown.excerpt = redact.text(line).substr(0, kExcerpt);
  shown.header_name = name.substr(0, kMostEvidence);
  return shown;
}

void H2TrailerReader::begin() {
  size_ = 0;
  lines_.clear();
  fault_.reset();
}

void H2TrailerReader::take(std::string_view name, std::string_view value, const Redaction& redact) {
  if (fault_) {
    return;
  }
  const std::size_t before = size_;
  size_ += name.size() + kBetween.size() + value.size() + kLineEnd.size();
  if (size_ > limit_) {
    fault_ = toParseFault({ParseError::TrailersTooLarge, 0}, name, value, before, redact);
    fault_->size = size_;
    fault_->limit = limit_;
    return;
  }
  auto wrong = judgeH2Field(name, value);  // pseudo-header fields are no tokens
  const TrailerUse use = trailerUse(name);
  if (!wrong && use == TrailerUse::Refuse) {
    wrong = H2FieldFault{ParseError::TrailerInvalid, 0};
  }
  if (wrong) {
    wrong->error = ParseError::TrailerInvalid;
    fault_ = toParseFault(*wrong, name, value, before, redact);
  } else if (use == TrailerUse::Keep) {
    lines_.append(name).append(kBetween).append(value).append(kLineEnd);
  }
}

}  // namespace gatewhy
