// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/framing.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "diagnostics/octets.h"
#include "proxy/http/tolerance.h"

namespace gatewhy {
namespace {

// Every nomination is looked up among all fields; without a cap a head of
// nothing but nominations would cost the square of its size.
constexpr int kMostNominations = 64;

HeadFault fieldFault(const Head& head, const Field& field, ParseError error, std::size_t at_in_value = 0,
                     std::string_view token = {}) {
  return {error, field.value_at + at_in_value, head.name(field), token};
}

// Fields without which the message would be framed or routed differently by
// the next hop.
bool mayBeNominated(FieldId id) {
  return id != FieldId::Host && id != FieldId::ContentLength && id != FieldId::TransferEncoding &&
         id != FieldId::Trailer;
}

void nominate(Head& head, std::string_view name, FieldId id) {
  for (Field& field : head.fields) {
    if (field.id == id && (id != FieldId::Other || equalsIgnoreCase(head.name(field), name))) {
      field.connection_nominated = true;
      head.has_connection_nominated = true;
    }
  }
}

struct ConnectionOptions {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  int nominations = 0;
};

std::optional<HeadFault> readConnection(Head& head, const Field& field, ConnectionOptions& options) {
  ListReader list(head.value(field));
  while (list.next()) {
    const std::string_view option = list.member();
    if (option.empty()) {
      continue;
    }
    const std::size_t bad = octets::skip(option, 0, octets::kToken);
    if (bad != option.size()) {
      return fieldFault(head, field, ParseError::ConnectionInvalid, list.offset() + bad, option);
    }
    if (equalsIgnoreCase(option, "close")) {
      options.close = true;
      continue;
    }
    const FieldId id = fieldId(option);
    if (!mayBeNominated(id) || ++options.nominations > kMostNominations) {
      return fieldFault(head, field, ParseError::ConnectionInvalid, list.offset(), option);
    }
    options.keep_alive = options.keep_alive || id == FieldId::KeepAlive;
    options.upgrade = options.upgrade || id == FieldId::Upgrade;
    nominate(head, option, id);
  }
  return std::nullopt;
}

// The number that `text` is; else the index of the octet at which it stops
// being one that fits (its size, where it is empty).
std::optional<std::uint64_t> readLength(std::string_view text, std::size_t& stops_at) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::uint64_t length = 0;
  for (stops_at = 0; stops_at < text.size() && octets::is(text[stops_at], octets::kDigit); ++stops_at) {
    const auto digit = static_cast<std::uint64_t>(text[stops_at] - '0');
    if (length > (kMost - digit) / 10) {
      break;
    }
    length = length * 10 + digit;
  }
  return text.empty() || stops_at != text.size() ? std::nullopt : std::optional(length);
}

// All Content-Lengths of a head, be they fields or members of a list. What is
// not a number is told before numbers that contradict each other, and those
// before one that is only repeated: three different faults at the sender.
std::optional<HeadFault> readContentLengths(Head& head, FindingSet* mended) {
  std::optional<std::string_view> first;
  std::optional<HeadFault> second;
  for (const Field& field : head.fields) {
    if (field.id != FieldId::ContentLength) {
      continue;
    }
    ListReader list(head.value(field));
    while (list.next()) {
      std::size_t stops_at = 0;
      const auto length = readLength(list.member(), stops_at);
      if (!length) {
        return fieldFault(head, field, ParseError::ContentLengthInvalid, list.offset() + stops_at, head.value(field));
      }
      if (!first) {
        first = list.member();
        head.content_length = *length;
        continue;
      }
      const bool differs = list.member() != *first;
      if (!second || (differs && second->error == ParseError::ContentLengthRepeated)) {
        const ParseError error = differs ? ParseError::ContentLengthDiffers : ParseError::ContentLengthRepeated;
        second = fieldFault(head, field, error, list.offset(), *first);
        second->second_token = differs ? list.member() : std::string_view();
      }
    }
  }
  if (second && (mended == nullptr || second->error != ParseError::ContentLengthRepeated)) {
    return second;
  }
  if (second) {
    mended->add(Finding::ContentLengthRepeated);  // taken once (RFC 9110 section 8.6)
  }
  head.has_content_length = true;
  head.body = BodyKind::Length;
  return std::nullopt;
}

// The coding's name is what stands before its parameters.
std::string_view codingName(std::string_view coding) {
  std::size_t end = std::min(coding.find(';'), coding.size());
  while (end > 0 && octets::isBlank(coding[end - 1])) {
    --end;
  }
  return coding.substr(0, end);
}

std::optional<HeadFault> readTransferEncoding(Head& head, const Field& field) {
  bool chunked = false;
  std::string_view other;
  std::size_t other_at = 0;
  ListReader list(head.value(field));
  while (list.next()) {
    const std::string_view coding = list.member();
    const std::string_view coding_name = codingName(coding);
    // Once chunked was named nothing may follow; chunked has no parameters.
    const bool is_chunked = equalsIgnoreCase(coding_name, "chunked");
    if (chunked || !isToken(coding_name) || (is_chunked && coding_name.size() != coding.size())) {
      return fieldFault(head, field, ParseError::ChunkedNotLast, list.offset(), coding);
    }
    chunked = is_chunked;
    if (!is_chunked && other.empty()) {
      other = coding_name;
      other_at = list.offset();
    }
  }
  if (!other.empty()) {
    return fieldFault(head, field, ParseError::CodingUnsupported, other_at, other);
  }
  head.body = BodyKind::Chunked;
  return std::nullopt;
}

}  // namespace

std::optional<HeadFault> weighConnection(Head& head) {
  ConnectionOptions options;
  if (head.present.has(FieldId::Connection)) {
    for (const Field& field : head.fields) {
      if (field.id != FieldId::Connection) {
        continue;
      }
      if (auto fault = readConnection(head, field, options)) {
        return fault;
      }
    }
  }
  const bool http11 = head.version_minor >= 1;
  head.keep_alive = !options.close && (http11 || options.keep_alive);
  head.upgrade = http11 && options.upgrade && !head.valueOf(FieldId::Upgrade).empty();
  return std::nullopt;
}

std::optional<HeadFault> weighFraming(Head& head, FindingSet* mended) {
  head.body = BodyKind::None;
  if (!head.present.has(FieldId::ContentLength) && !head.present.has(FieldId::TransferEncoding)) {
    return std::nullopt;
  }
  const Field* length = nullptr;
  const Field* coding = nullptr;
  const Field* second_coding = nullptr;
  for (const Field& field : head.fields) {
    if (field.id == FieldId::ContentLength) {
      length = length == nullptr ? &field : length;
    } else if (field.id == FieldId::TransferEncoding) {
      second_coding = coding == nullptr ? nullptr : &field;
      coding = coding == nullptr ? &field : coding;
    }
  }
  if (coding == nullptr) {
    return readContentLengths(head, mended);
  }
  if (length != nullptr) {
    return fieldFault(head, *std::max(length, coding), ParseError::LengthAndCoding, 0, head.value(*coding));
  }
  if (head.version_minor == 0) {
    return fieldFault(head, *coding, ParseError::CodingInHttp10, 0, head.value(*coding));
  }
  if (second_coding != nullptr) {
    return fieldFault(head, *second_coding, ParseError::ChunkedNotLast, 0, head.value(*second_coding));
  }
  return readTransferEncoding(head, *coding);
}

}  // namespace gatewhy
