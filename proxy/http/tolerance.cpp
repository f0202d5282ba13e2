// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/tolerance.h"

#include <algorithm>
#include <array>

#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

// Others end a line there, or a string.
bool hasLineEnd(std::string_view text) noexcept {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

bool contains(std::string_view text, std::string_view word) noexcept {
  const auto same = [](char a, char b) { return octets::lower(a) == b; };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

// What stands before the colon, or all where there is none: does it look like
// the name of a framing field that somebody broke, or like another start line?
bool nearlyFrames(std::string_view line) noexcept {
  constexpr std::array<std::string_view, 7> kWords = {"length",  "transfer", "encoding", "connection",
                                                      "trailer", "upgrade",  "http/"};
  const std::string_view name = line.substr(0, line.find(':'));
  return std::any_of(kWords.begin(), kWords.end(), [name](std::string_view word) { return contains(name, word); });
}

}  // namespace

bool framesMessage(FieldId id) noexcept {
  switch (id) {
    case FieldId::Connection:
    case FieldId::ContentLength:
    case FieldId::Te:
    case FieldId::Trailer:
    case FieldId::TransferEncoding:
    case FieldId::Upgrade:
      return true;
    default:
      return false;
  }
}

std::optional<FieldLine> withoutSpaceBeforeColon(std::string_view line) noexcept {
  FieldLine mended;
  mended.name_size = octets::skip(line, 0, octets::kToken);
  const std::size_t colon = octets::skipBlanks(line, mended.name_size);
  if (mended.name_size == 0 || colon >= line.size() || line[colon] != ':' || nearlyFrames(line)) {
    return std::nullopt;
  }
  mended.value_at = octets::skipBlanks(line, colon + 1);
  if (findInvalidValueOctet(line, mended.value_at) != line.size()) {
    return std::nullopt;
  }
  std::size_t end = line.size();
  while (end > mended.value_at && octets::isBlank(line[end - 1])) {
    --end;
  }
  mended.value_size = end - mended.value_at;
  return mended;
}

bool mayLeaveOut(std::string_view line, ParseError error) noexcept {
  const bool harmless = error == ParseError::FieldColonMissing || error == ParseError::FieldNameEmpty ||
                        error == ParseError::FieldNameInvalid || error == ParseError::FieldValueInvalid;
  return harmless && !hasLineEnd(line) && !nearlyFrames(line);
}

bool mayJoin(const Field& field, std::string_view line) noexcept {
  const std::size_t begin = octets::skipBlanks(line, 0);
  const std::size_t name_end = octets::skip(line, begin, octets::kToken);
  const std::size_t colon = octets::skipBlanks(line, name_end);
  // Some read a line that begins with white space as a field of its own.
  const bool like_field = colon < line.size() && line[colon] == ':';
  return !framesMessage(field.id) && findInvalidValueOctet(line, 0) == line.size() &&
         !(like_field && framesMessage(fieldId(line.substr(begin, name_end - begin))));
}

bool mayLeaveOutReason(std::string_view reason) noexcept {
  return !hasLineEnd(reason);
}

}  // namespace gatewhy
