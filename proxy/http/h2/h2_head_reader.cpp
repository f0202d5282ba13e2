// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/h2/h2_head_reader.h"

namespace gatewhy {
namespace {

constexpr std::uint64_t kFieldOverhead = 32;  // RFC 9113 section 6.5.2

}  // namespace

void H2HeadReader::beginHead() {
  part_ = Part::PseudoHeaders;
  text_.clear();
  list_size_ = 0;
  fault_.reset();
  malformed_ = false;
}

void H2HeadReader::fail(const H2FieldFault& fault, std::string_view name, std::string_view value,
                        const Redaction& redact, bool malformed) {
  fault_ = toParseFault(fault, name, value, text_.size(), redact);
  malformed_ = malformed;
}

void H2HeadReader::endPseudos(const Redaction& redact) {
  if (!fault_ && part_ == Part::PseudoHeaders) {
    part_ = Part::Fields;
    beginText(redact);
  }
}

void H2HeadReader::take(std::string_view name, std::string_view value, const Redaction& redact) {
  list_size_ += name.size() + value.size() + kFieldOverhead;
  const bool pseudo = name.starts_with(':');
  if (!pseudo) {
    endPseudos(redact);
  }
  if (fault_) {
    return;
  }
  if (list_size_ > list_) {
    // A target that is too long by itself has a status of its own (414).
    const ParseError error = name == ":path" ? ParseError::StartLineTooLong : ParseError::HeadTooLarge;
    fail({error, 0}, name, value, redact, false);
    fault_->size = list_size_;
    fault_->limit = list_;
  } else if (!pseudo) {
    if (const auto wrong = judgeH2Field(name, value)) {
      return fail(*wrong, name, value, redact);
    }
    takeField(name, value, redact);
  } else if (!isPseudo(name)) {
    fail({ParseError::PseudoHeaderUnknown, 0}, name, value, redact);
  } else if (part_ != Part::PseudoHeaders) {
    fail({ParseError::PseudoHeaderMisplaced, 0}, name, value, redact);
  } else {
    takePseudo(name, value, redact);
  }
}

void H2HeadReader::addLine(std::string_view name, std::string_view value) {
  text_ += name;
  text_ += ": ";
  text_ += value;
  text_ += "\r\n";
}

void H2HeadReader::parse(HeadReader& parser, const Redaction& redact) {
  text_ += "\r\n";
  const ParseStep step = parser.feed(text_.view());
  if (!fault_ && step.status != ParseStatus::Done) {
    fault_ = parser.fault(redact);
  }
}

}  // namespace gatewhy
