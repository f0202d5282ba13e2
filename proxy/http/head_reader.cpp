// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/head_reader.h"

#include <algorithm>
#include <cstring>

#include "diagnostics/octets.h"
#include "proxy/http/evidence_limits.h"
#include "proxy/http/tolerance.h"

namespace gatewhy {
namespace {

constexpr std::size_t kCrlf = 2;
// Most heads fit and are copied in one go; what of a body comes along and has
// to be given back is bounded.
constexpr std::size_t kGulp = 2048;
// "No limit" ends here: Field keeps offsets in 32 bits.
constexpr std::uint64_t kMostOctets = std::uint64_t{1} << 30;

std::uint64_t effective(std::uint64_t limit) {
  return limit == 0 ? kMostOctets : std::min(limit, kMostOctets);
}

// Name of the field in an unfinished line; "" where its colon has not come.
std::string_view nameIn(std::string_view line) {
  const std::size_t end = octets::skip(line, 0, octets::kToken);
  return end < line.size() && line[end] == ':' ? line.substr(0, end) : std::string_view();
}

struct LargestField {
  std::string_view name;
  std::size_t size = 0;
};

// Who made the head so large: the largest field, the unfinished one included.
LargestField largestField(const Head& head, std::string_view unfinished) {
  LargestField largest{.name = nameIn(unfinished)};
  largest.size = largest.name.empty() ? 0 : unfinished.size();
  for (const Field& field : head.fields) {
    if (field.name_size + field.value_size > largest.size) {
      largest = {.name = head.name(field), .size = field.name_size + field.value_size};
    }
  }
  return largest;
}

}  // namespace

ParseStep HeadReader::feed(std::string_view bytes) {
  if (status_ != ParseStatus::NeedMore) {
    return {status_, 0};
  }
  Head& head = base();
  std::size_t consumed = 0;
  while (status_ == ParseStatus::NeedMore && consumed < bytes.size()) {
    consumed += takeGulp(head, bytes.substr(consumed, kGulp));
  }
  return {status_, consumed};
}

std::string_view HeadReader::lastCompleteLine() const {
  if (line_at_ < kCrlf) {
    return {};
  }
  return std::string_view(base().bytes).substr(last_line_at_, line_at_ - kCrlf - last_line_at_);
}

std::string HeadReader::lastCompleteLine(const Redaction& redact) const {
  return redact.excerpt(base().bytes, last_line_at_, lastCompleteLine().size());
}

ParseFault HeadReader::fault(const Redaction& redact) const {
  ParseFault shown = fault_;
  const std::size_t from = fault_.offset - std::min<std::size_t>(fault_.offset, kExcerptBefore);
  // What came along with the deciding octet was given back, and stands in the excerpt alone.
  const std::string seen = std::string(base().bytes, 0, from) + fault_.excerpt;
  shown.excerpt = redact.excerpt(seen, from, fault_.excerpt.size());
  return shown;
}

void HeadReader::resetReader() {
  if (status_ == ParseStatus::Error) {
    fault_ = {};
  }
  status_ = ParseStatus::NeedMore;
  start_line_done_ = false;
  left_out_ = false;
  empty_lines_ = 0;
  line_at_ = 0;
  last_line_at_ = 0;
  judged_ = 0;
}

std::uint64_t HeadReader::sectionRoom() const {
  return effective(limits_.section) - line_at_;
}

std::uint64_t HeadReader::lineRoom() const {
  return effective(start_line_done_ ? limits_.field : limits_.start_line) + kCrlf;
}

// Returns how much of the gulp belongs to the head, up to the octet that ends
// it or decides an error.
std::size_t HeadReader::takeGulp(Head& head, std::string_view gulp) {
  const std::size_t had = head.bytes.size();
  std::size_t skipped = 0;  // empty lines before the head
  std::size_t at = had;
  head.bytes.append(gulp);
  while (status_ == ParseStatus::NeedMore && at < head.bytes.size()) {
    at = takeLine(head, at);
    if (!start_line_done_ && line_at_ != 0) {
      head.bytes.erase(0, line_at_);
      skipped += line_at_;
      line_at_ = 0;
      at = 0;
    }
  }
  head.bytes.resize(at);
  return skipped + at - had;
}

// Looks at the unfinished line from `at` on, up to its LF or up to the octet
// that decides an error. Returns the end of what was looked at.
std::size_t HeadReader::takeLine(Head& head, std::size_t at) {
  const std::uint64_t room = std::min(sectionRoom(), lineRoom()) - (at - line_at_);
  const std::size_t look = static_cast<std::size_t>(std::min<std::uint64_t>(head.bytes.size() - at, room + 1));
  const char* begin = head.bytes.data();
  const auto* lf = static_cast<const char*>(std::memchr(begin + at, '\n', look));
  const std::size_t end = lf == nullptr ? at + look : static_cast<std::size_t>(lf - begin) + 1;
  if (!start_line_done_) {
    if (const auto fault = judgeStart(std::string_view(begin, end), judged_)) {
      fail(*fault);
      return fault->at + 1;
    }
    judged_ = end;
  }
  if (end - at > room) {
    failLimit(head, end);
  } else if (lf != nullptr) {
    endLine(head, end);
  }
  return end;
}

void HeadReader::endLine(Head& head, std::size_t end) {
  if (end - line_at_ < kCrlf || head.bytes[end - kCrlf] != '\r') {
    fail({ParseError::BareLf, end - 1, {}, {}});
    return;
  }
  const std::string_view line(head.bytes.data() + line_at_, end - kCrlf - line_at_);
  if (!start_line_done_) {
    endStartLine(line, end);
    return;
  }
  if (line.empty()) {
    head.bytes.resize(end);
    status_ = ParseStatus::Done;
    if (const auto fault = judgeHead()) {
      fail(*fault);
    }
    return;
  }
  if (const auto fault = takeField(head, line)) {
    fail(*fault);
    return;
  }
  last_line_at_ = line_at_;
  line_at_ = end;
}

void HeadReader::endStartLine(std::string_view line, std::size_t end) {
  if (line.empty()) {
    if (++empty_lines_ > empty_lines_allowed_) {
      fail({ParseError::StartLineEmpty, 0, {}, {}});
      return;
    }
    line_at_ = end;  // takeGulp drops what stands before
    judged_ = 0;
    return;
  }
  if (const auto fault = parseStart(line)) {
    fail(*fault);
    return;
  }
  start_line_done_ = true;
  line_at_ = end;
}

std::optional<HeadFault> HeadReader::takeField(Head& head, std::string_view line) {
  if (octets::isBlank(line.front())) {
    if (joinLine(head, line)) {
      return std::nullopt;
    }
    // Before the first field it continues nothing (RFC 9112 section 2.2).
    const bool folded = !head.fields.empty();
    return HeadFault{folded ? ParseError::FieldFolded : ParseError::FieldNameInvalid,
                     line_at_,
                     folded ? head.name(head.fields.back()) : std::string_view(),
                     {}};
  }
  FieldLine parsed;
  left_out_ = false;
  if (auto fault = parseFieldLine(line, parsed)) {
    if (!mendField(fault->error, line, parsed)) {
      fault->at += line_at_;
      return fault;
    }
    if (left_out_) {
      return std::nullopt;
    }
  }
  const std::string_view name = line.substr(0, parsed.name_size);
  if (limits_.fields != 0 && head.fields.size() >= limits_.fields) {
    fault_.size = limits_.fields + std::uint64_t{1};
    fault_.limit = limits_.fields;
    return HeadFault{ParseError::TooManyFields, line_at_, name, {}};
  }
  const FieldId id = fieldId(name);
  head.present.add(id);
  head.fields.push_back(
      Field{static_cast<std::uint32_t>(line_at_), static_cast<std::uint32_t>(line_at_ + parsed.value_at),
            static_cast<std::uint32_t>(parsed.name_size), static_cast<std::uint32_t>(parsed.value_size), id, false});
  return std::nullopt;
}

// obs-fold: what ended the line before becomes spaces (RFC 9112 section 5.2).
bool HeadReader::joinLine(Head& head, std::string_view line) {
  FindingSet* noted = mended();
  if (noted == nullptr || (head.fields.empty() && !left_out_)) {
    return false;
  }
  if (left_out_) {
    return mayLeaveOut(line, ParseError::FieldNameInvalid);
  }
  Field& field = head.fields.back();
  if (!mayJoin(field, line)) {
    return false;
  }
  std::fill_n(head.bytes.begin() + static_cast<std::ptrdiff_t>(line_at_ - kCrlf), kCrlf, ' ');
  std::size_t end = line_at_ + line.size();
  while (end > field.value_at && octets::isBlank(head.bytes[end - 1])) {
    --end;
  }
  const std::size_t begin = std::min(octets::skipBlanks(head.bytes, field.value_at), end);
  field.value_at = static_cast<std::uint32_t>(begin);
  field.value_size = static_cast<std::uint32_t>(end - begin);
  noted->add(Finding::FieldFolded);
  return true;
}

// Sets left_out_, or fills `parsed`.
bool HeadReader::mendField(ParseError error, std::string_view line, FieldLine& parsed) {
  FindingSet* noted = mended();
  if (noted == nullptr) {
    return false;
  }
  if (error == ParseError::FieldSpaceBeforeColon) {
    const auto without = withoutSpaceBeforeColon(line);
    if (without) {
      parsed = *without;
      noted->add(Finding::FieldSpaceBeforeColon);
    }
    return without.has_value();
  }
  left_out_ = mayLeaveOut(line, error);
  if (left_out_) {
    noted->add(Finding::FieldLineMalformed);
  }
  return left_out_;
}

void HeadReader::fail(const HeadFault& fault) {
  const std::string_view bytes = base().bytes;
  const std::size_t from = fault.at - std::min(fault.at, kExcerptBefore);
  status_ = ParseStatus::Error;
  fault_.error = fault.error;
  fault_.offset = fault.at;
  fault_.excerpt = bytes.substr(from, kExcerpt);
  fault_.header_name = fault.header_name.substr(0, kMostEvidence);
  fault_.token = fault.token.substr(0, kMostEvidence);
  if (!fault.second_token.empty()) {
    fault_.token.append(", ").append(fault.second_token.substr(0, kMostEvidence));
  }
}

// What was seen is given as one more than the limit, since how much more was
// coming is not known before it has come.
void HeadReader::failLimit(const Head& head, std::size_t end) {
  const bool section = sectionRoom() < lineRoom();
  const std::string_view line(head.bytes.data() + line_at_, end - line_at_);
  HeadFault fault;
  if (section) {
    fault_.limit = effective(limits_.section);
    fault.at = fault_.limit;
  } else {
    fault_.limit = effective(start_line_done_ ? limits_.field : limits_.start_line);
    fault.at = line_at_ + fault_.limit;
  }
  fault_.size = fault_.limit + 1;
  if (!start_line_done_) {
    fault.error = ParseError::StartLineTooLong;
  } else if (section) {
    const LargestField largest = largestField(head, line);
    const bool alone = limits_.field == 0 && largest.size > fault_.limit / 2;
    fault.error = alone ? ParseError::FieldTooLarge : ParseError::HeadTooLarge;
    fault.header_name = largest.name;
  } else {
    fault.error = ParseError::FieldTooLarge;
    fault.header_name = nameIn(line);
  }
  fail(fault);
}

}  // namespace gatewhy
