// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "diagnostics/octets.h"
#include "proxy/http/evidence_limits.h"
#include "proxy/http/field_line.h"
#include "proxy/http/h1_parser.h"
#include "proxy/http/trailer_fields.h"

namespace gatewhy {
namespace {

std::uint64_t hexDigit(char octet) {
  return octets::is(octet, octets::kDigit) ? static_cast<std::uint64_t>(octet - '0')
                                           : static_cast<std::uint64_t>(octets::lower(octet) - 'a' + 10);
}

}  // namespace

void BodyDecoder::start(BodyKind kind, std::uint64_t content_length, const BodyLimits& limits) {
  if (state_ == State::Failed) {
    fault_ = {};
  }
  kind_ = kind;
  remaining_ = received_ = content_length_ = 0;
  offset_ = chunk_line_ = trailers_size_ = 0;
  extended_ = false;
  mended_ = {};
  line_.clear();
  trailers_.clear();
  limits_ = limits;
  switch (kind) {
    case BodyKind::None:
      state_ = State::Done;
      break;
    case BodyKind::Length:
      content_length_ = content_length;
      remaining_ = content_length;
      state_ = content_length == 0 ? State::Done : State::Payload;
      break;
    case BodyKind::Chunked:
      state_ = State::SizeFirst;
      break;
    case BodyKind::UntilClose:
      remaining_ = std::numeric_limits<std::uint64_t>::max();
      state_ = State::Payload;
      break;
  }
}

bool BodyDecoder::finish() {
  if (kind_ == BodyKind::UntilClose && state_ == State::Payload) {
    state_ = State::Done;
  }
  return done();
}

std::optional<std::uint64_t> BodyDecoder::expected() const {
  return kind_ == BodyKind::Length ? std::optional(content_length_) : std::nullopt;
}

std::uint64_t BodyDecoder::ahead() const {
  return kind_ == BodyKind::Length && state_ == State::Payload ? remaining_ : 0;
}

void BodyDecoder::skip(std::uint64_t size) {
  received_ += size;
  offset_ += size;
  remaining_ -= size;
  if (remaining_ == 0) {
    state_ = State::Done;
  }
}

BodyDecoder::Step BodyDecoder::feed(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (state_ == State::Done || state_ == State::Failed) {
      break;
    }
    if (state_ == State::Payload || state_ == State::ChunkData) {
      Step step = takePayload(bytes.substr(at));
      step.consumed += at;
      return step;
    }
    takeLineOctet(bytes[at]);
    ++at;
    if (state_ == State::Failed) {
      const std::size_t from = at - std::min(at, kExcerptBefore);
      fault_.excerpt = bytes.substr(from, kExcerpt);
      break;
    }
    ++offset_;
  }
  if (state_ == State::Failed) {
    return {ParseStatus::Error, at, {}};
  }
  return {done() ? ParseStatus::Done : ParseStatus::NeedMore, at, {}};
}

BodyDecoder::Step BodyDecoder::takePayload(std::string_view bytes) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), remaining_));
  received_ += size;
  offset_ += size;
  if (kind_ != BodyKind::UntilClose) {
    remaining_ -= size;
  }
  if (remaining_ == 0) {
    state_ = kind_ == BodyKind::Chunked ? State::ChunkDataCr : State::Done;
  }
  return {done() ? ParseStatus::Done : ParseStatus::NeedMore, size, bytes.substr(0, size)};
}

void BodyDecoder::takeLineOctet(char octet) {
  switch (state_) {
    case State::SizeFirst:
    case State::Size:
    case State::SizeBlank:
      takeSize(octet);
      break;
    case State::ExtensionNameFirst:
    case State::ExtensionName:
    case State::ExtensionNameBlank:
    case State::ExtensionValueFirst:
    case State::ExtensionToken:
    case State::ExtensionQuoted:
    case State::ExtensionEscape:
    case State::ExtensionEnd:
    case State::ExtensionEndBlank:
      takeExtension(octet);
      break;
    case State::ChunkLineLf:
    case State::ChunkDataCr:
    case State::ChunkDataLf:
      takeChunkEnd(octet);
      break;
    case State::Trailers:
      takeTrailer(octet);
      break;
    case State::Payload:
    case State::ChunkData:
    case State::Done:
    case State::Failed:
      break;
  }
  const bool in_line = state_ != State::Failed && octet != '\r' && octet != '\n' && state_ < State::ChunkLineLf;
  if (in_line && ++chunk_line_ > limits_.chunk_line && limits_.chunk_line != 0) {
    fault_.size = chunk_line_;
    fault_.limit = limits_.chunk_line;
    fail(ParseError::ChunkLineTooLong);
  }
}

// No sign, no prefix, no white space before the digits: each has been read as
// another number by someone.
void BodyDecoder::takeSize(char octet) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (octets::is(octet, octets::kHex) && state_ != State::SizeBlank) {
    const std::uint64_t digit = hexDigit(octet);
    if (remaining_ > (kMost - digit) / 16) {
      fail(ParseError::ChunkSizeOverflow);
      return;
    }
    remaining_ = remaining_ * 16 + digit;
    state_ = State::Size;
    return;
  }
  if (state_ == State::SizeFirst) {
    fail(ParseError::ChunkSizeInvalid);
  } else if (octet == ';') {
    extended_ = true;
    state_ = State::ExtensionNameFirst;
  } else if (octet == '\r' && (state_ == State::Size || limits_.mend_sizes)) {
    if (state_ == State::SizeBlank) {
      mended_.add(Finding::ChunkSizePadded);
    }
    state_ = State::ChunkLineLf;
  } else if (octets::isBlank(octet)) {
    state_ = State::SizeBlank;  // only before an extension, unless it is mended
  } else {
    fail(ParseError::ChunkSizeInvalid);
  }
}

void BodyDecoder::takeExtension(char octet) {
  const bool blank = octets::isBlank(octet);
  const bool token = octets::is(octet, octets::kToken);
  switch (state_) {
    case State::ExtensionNameFirst:
    case State::ExtensionName:
      if (token) {
        state_ = State::ExtensionName;
      } else if (state_ == State::ExtensionName) {
        endExtensionPart(octet, State::ExtensionNameBlank);
      } else if (!blank) {
        fail(ParseError::ChunkExtensionInvalid);
      }
      break;
    case State::ExtensionValueFirst:
      if (token || octet == '"') {
        state_ = token ? State::ExtensionToken : State::ExtensionQuoted;
      } else if (!blank) {
        fail(ParseError::ChunkExtensionInvalid);
      }
      break;
    case State::ExtensionToken:
      if (!token) {
        endExtensionPart(octet, State::ExtensionEndBlank);
      }
      break;
    case State::ExtensionQuoted:
      if (octet == '"') {
        state_ = State::ExtensionEnd;
      } else if (octet == '\\') {
        state_ = State::ExtensionEscape;
      } else if (!octets::is(octet, octets::kQuoted)) {
        fail(ParseError::ChunkExtensionInvalid);
      }
      break;
    case State::ExtensionEscape:
      state_ = State::ExtensionQuoted;
      if (!octets::is(octet, octets::kValue)) {
        fail(ParseError::ChunkExtensionInvalid);
      }
      break;
    case State::ExtensionNameBlank:
      endExtensionPart(octet, State::ExtensionNameBlank);
      break;
    case State::ExtensionEnd:
    case State::ExtensionEndBlank:
      endExtensionPart(octet, State::ExtensionEndBlank);
      break;
    case State::Payload:
    case State::SizeFirst:
    case State::Size:
    case State::SizeBlank:
    case State::ChunkLineLf:
    case State::ChunkData:
    case State::ChunkDataCr:
    case State::ChunkDataLf:
    case State::Trailers:
    case State::Done:
    case State::Failed:
      break;
  }
}

// After an extension's name or value: the next part, or the end of the line.
// White space may stand before ';' and '=', not before the line end.
void BodyDecoder::endExtensionPart(char octet, State blank) {
  const bool after_name = blank == State::ExtensionNameBlank;
  if (octet == ';') {
    state_ = State::ExtensionNameFirst;
  } else if (octet == '=' && after_name) {
    state_ = State::ExtensionValueFirst;
  } else if (octets::isBlank(octet)) {
    state_ = blank;
  } else if (octet == '\r' && state_ != blank) {
    state_ = State::ChunkLineLf;
  } else {
    fail(ParseError::ChunkExtensionInvalid);
  }
}

void BodyDecoder::takeChunkEnd(char octet) {
  if (state_ == State::ChunkLineLf) {
    if (octet == '\n') {
      endChunkLine();
    } else {
      fail(extended_ ? ParseError::ChunkExtensionInvalid : ParseError::ChunkSizeInvalid);
    }
    return;
  }
  if (octet != (state_ == State::ChunkDataCr ? '\r' : '\n')) {
    fail(ParseError::ChunkEndMissing);
    return;
  }
  state_ = state_ == State::ChunkDataCr ? State::ChunkDataLf : State::SizeFirst;
}

void BodyDecoder::endChunkLine() {
  chunk_line_ = 0;
  extended_ = false;
  state_ = remaining_ == 0 ? State::Trailers : State::ChunkData;
}

void BodyDecoder::takeTrailer(char octet) {
  line_.push_back(octet);
  if (++trailers_size_ > limits_.trailers && limits_.trailers != 0) {
    fault_.size = trailers_size_;
    fault_.limit = limits_.trailers;
    fail(ParseError::TrailersTooLarge);
  } else if (octet == '\n') {
    endTrailerLine();
  }
}

void BodyDecoder::endTrailerLine() {
  const std::uint64_t line_at = offset_ + 1 - line_.size();
  if (!line_.ends_with("\r\n")) {
    fail(ParseError::TrailerInvalid);
    return;
  }
  const std::string_view line = std::string_view(line_).substr(0, line_.size() - 2);
  if (line.empty()) {
    state_ = State::Done;
    return;
  }
  FieldLine parsed;
  if (const auto fault = parseFieldLine(line, parsed)) {
    fault_.header_name = fault->header_name.substr(0, kMostEvidence);
    fail(ParseError::TrailerInvalid);
    fault_.offset = line_at + fault->at;
    return;
  }
  const std::string_view name = line.substr(0, parsed.name_size);
  switch (trailerUse(name)) {
    case TrailerUse::Refuse:
      fault_.header_name = name.substr(0, kMostEvidence);
      fail(ParseError::TrailerInvalid);
      fault_.offset = line_at;
      return;
    case TrailerUse::Drop:
      break;
    case TrailerUse::Keep:
      trailers_.append(name).append(": ").append(line.substr(parsed.value_at, parsed.value_size)).append("\r\n");
      break;
  }
  line_.clear();
}

// A trailer field is shown from its name on, however it was cut into reads.
ParseFault BodyDecoder::fault(const Redaction& redact) const {
  ParseFault shown = fault_;
  shown.excerpt = redact.text(line_.empty() ? shown.excerpt : line_).substr(0, kExcerpt);
  return shown;
}

void BodyDecoder::fail(ParseError error) {
  state_ = State::Failed;
  fault_.error = error;
  fault_.offset = offset_;
}

}  // namespace gatewhy
