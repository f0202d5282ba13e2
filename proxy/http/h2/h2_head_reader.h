// SPDX-License-Identifier: Apache-2.0
// The head of an HTTP/2 message: its fields come one by one and become the text
// that HTTP/1.1 would have, for that version's parser to read under its rules.
// Judged here is only what HTTP/2 has and HTTP/1.1 has not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "diagnostics/observation.h"
#include "diagnostics/redaction.h"
#include "diagnostics/text_buffer.h"
#include "proxy/http/h2/h2_fields.h"
#include "proxy/http/head_reader.h"

namespace gatewhy {

class H2HeadReader {
 public:
  void take(std::string_view name, std::string_view value, const Redaction& redact);
  // Octets of names and values so far, and 32 for each field (RFC 9113
  // section 6.5.2): also of what was not kept any more.
  [[nodiscard]] std::uint64_t listSize() const { return list_size_; }
  // The fault is malformed HTTP/2 and not just a bad message.
  [[nodiscard]] bool malformed() const { return malformed_; }

 protected:
  // `list`: SETTINGS_MAX_HEADER_LIST_SIZE.
  explicit H2HeadReader(std::uint32_t list) : list_(list) {}
  ~H2HeadReader() = default;

  void beginHead();
  void restHead() { text_ = TextBuffer(); }
  void addLine(std::string_view name, std::string_view value);
  void fail(const H2FieldFault& fault, std::string_view name, std::string_view value, const Redaction& redact,
            bool malformed = true);
  // The pseudo-header fields are over.
  void endPseudos(const Redaction& redact);
  void parse(HeadReader& parser, const Redaction& redact);

  TextBuffer text_;  // the head as HTTP/1.1 would have it
  std::optional<ParseFault> fault_;
  bool malformed_ = false;

 private:
  enum class Part : std::uint8_t { PseudoHeaders, Fields };

  // A pseudo-header field in its place, whose name begins with a colon.
  virtual void takePseudo(std::string_view name, std::string_view value, const Redaction& redact) = 0;
  // Writes the lines that the pseudo-header fields make.
  virtual void beginText(const Redaction& redact) = 0;
  // A field that judgeH2Field() has nothing against.
  virtual void takeField(std::string_view name, std::string_view value, const Redaction& redact) = 0;
  [[nodiscard]] virtual bool isPseudo(std::string_view name) const = 0;  // one that such a message may have

  std::uint32_t list_;
  std::uint64_t list_size_ = 0;
  Part part_ = Part::PseudoHeaders;
};

}  // namespace gatewhy
