// SPDX-License-Identifier: Apache-2.0
// Fields between HTTP/1's lines and HTTP/2's names and values: what one may
// not have is refused where it comes in and left out where it goes out
// (RFC 9113 section 8.2).
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/field_id.h"
#include "diagnostics/observation.h"
#include "diagnostics/redaction.h"

namespace gatewhy {

// Names and values for nghttp2, which makes names lower case where it copies
// them. Views of what it was given.
class H2FieldList {
 public:
  void status(std::uint16_t status);  // three digits
  // "GET /path HTTP/1.1\r\n" and lines: the pseudo-header fields and the rest.
  // `protocol`: of an extended CONNECT (RFC 8441); "" = none. False: it is no
  // head that HTTP/2 has.
  [[nodiscard]] bool request(std::string_view head, bool https, std::string_view protocol);
  // "Name: value\r\n" each, as a head or a trailer section has them; those of
  // the connection are left out.
  void lines(std::string_view fields);
  [[nodiscard]] const nghttp2_nv* data() const { return fields_.data(); }
  [[nodiscard]] std::size_t size() const { return fields_.size(); }
  void clear() { fields_.clear(); }

 private:
  void add(std::string_view name, std::string_view value);
  void add(FieldId id, std::string_view name, std::string_view value);

  std::vector<nghttp2_nv> fields_;
  char status_[3] = {};
};

// A field of an HTTP/2 message that is none of its pseudo-header fields. What
// is wrong with it: nullopt where nothing is.
struct H2FieldFault {
  ParseError error = ParseError::FieldNameInvalid;
  std::size_t at = 0;  // within "name: value"
};
[[nodiscard]] std::optional<H2FieldFault> judgeH2Field(std::string_view name, std::string_view value) noexcept;

// As an event shows it. `before`: octets of the message in front of the field.
[[nodiscard]] ParseFault toParseFault(const H2FieldFault& fault, std::string_view name, std::string_view value,
                                      std::size_t before, const Redaction& redact);

// A trailer section as it comes.
class H2TrailerReader {
 public:
  explicit H2TrailerReader(std::size_t limit) : limit_(limit) {}

  void begin();
  void take(std::string_view name, std::string_view value, const Redaction& redact);
  [[nodiscard]] const std::optional<ParseFault>& fault() const { return fault_; }
  // "name: value\r\n" each, without those that may not be trailers.
  [[nodiscard]] const std::string& lines() const { return lines_; }

 private:
  std::size_t limit_;
  std::size_t size_ = 0;
  std::string lines_;
  std::optional<ParseFault> fault_;
};

}  // namespace gatewhy
