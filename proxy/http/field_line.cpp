// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/field_line.h"

#include <algorithm>

#include "diagnostics/octet_block.h"
#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

// The name ended at `at` with something else than a colon.
HeadFault nameFault(std::string_view line, std::size_t at) noexcept {
  const std::string_view name = line.substr(0, at);
  if (at == line.size()) {
    return {ParseError::FieldColonMissing, at, {}, {}};
  }
  const char octet = line[at];
  if (!octets::isBlank(octet)) {
    const ParseError otherwise = octet == ':' ? ParseError::FieldNameEmpty : ParseError::FieldNameInvalid;
    return {octetError(octet, otherwise), at, {}, {}};
  }
  const std::size_t next = octets::skipBlanks(line, at);
  if (next < line.size() && line[next] == ':') {
    return {ParseError::FieldSpaceBeforeColon, at, name, {}};
  }
  if (line.find(':', next) == std::string_view::npos) {
    return {ParseError::FieldColonMissing, at, {}, {}};
  }
  return {ParseError::FieldNameInvalid, at, {}, {}};
}

}  // namespace

std::size_t findInvalidValueOctet(std::string_view text, std::size_t from) noexcept {
  // Tabs count too: from the first suspect on it is octet by octet.
  const std::size_t at = octets::skipBlocks(text.data(), from, text.size(),
                                            [](octets::Block block) { return (block < 0x20) | (block == 0x7F); });
  return octets::skip(text, at, octets::kValue);
}

ParseError octetError(char octet, ParseError otherwise) noexcept {
  if (octet == '\r') {
    return ParseError::BareCr;
  }
  return octet == '\0' ? ParseError::Nul : otherwise;
}

std::optional<HeadFault> parseFieldLine(std::string_view line, FieldLine& out) noexcept {
  const std::size_t colon = octets::skip(line, 0, octets::kToken);
  if (colon == 0 || colon == line.size() || line[colon] != ':') {
    return nameFault(line, colon);
  }
  out.name_size = colon;
  out.value_at = octets::skipBlanks(line, colon + 1);
  // What a name may hold a value may too: a short value is looked at together
  // with the end of its name, as one block.
  const std::size_t from = line.size() < octets::kBlock ? out.value_at : line.size() - octets::kBlock;
  const std::size_t bad = findInvalidValueOctet(line, std::min(from, out.value_at));
  if (bad != line.size()) {
    return HeadFault{octetError(line[bad], ParseError::FieldValueInvalid), bad, line.substr(0, colon), {}};
  }
  std::size_t end = line.size();
  while (end > out.value_at && octets::isBlank(line[end - 1])) {
    --end;
  }
  out.value_size = end - out.value_at;
  return std::nullopt;
}

bool ListReader::next() {
  if (exhausted_) {
    return false;
  }
  const std::size_t comma = value_.find(',', next_at_);
  exhausted_ = comma == std::string_view::npos;
  std::size_t end = exhausted_ ? value_.size() : comma;
  member_at_ = octets::skipBlanks(value_.substr(0, end), next_at_);
  next_at_ = end + 1;
  while (end > member_at_ && octets::isBlank(value_[end - 1])) {
    --end;
  }
  member_size_ = end - member_at_;
  return true;
}

}  // namespace gatewhy
