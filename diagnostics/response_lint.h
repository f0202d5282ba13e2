// SPDX-License-Identifier: Apache-2.0
// Holds an origin's answer against what its own status code and fields promise
// (findings.def). Pure: the caller hands over what it has parsed, in one pass,
// and says what time it is. It runs for every response, so: no allocation, and
// nothing is looked at that the status or a field does not give reason to.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "diagnostics/field_id.h"
#include "diagnostics/field_syntax.h"
#include "diagnostics/findings.h"

namespace gatewhy {

// The request as the origin got it. Asked only where a rule needs it.
class LintRequest {
 public:
  [[nodiscard]] virtual std::string_view method() const = 0;
  [[nodiscard]] virtual bool has(FieldId id) const = 0;
  // The name that the browser asked for, lower case; "" where that is not
  // known, because another proxy stands in front.
  [[nodiscard]] virtual std::string_view clientHost() const = 0;

 protected:
  ~LintRequest() = default;
};

// One final response head: begin, each field in order, headDone.
class ResponseLint {
 public:
  // `request` outlives this; `status` is 200 or more; `now` is the gateway's clock.
  ResponseLint(const LintRequest& request, std::chrono::sys_seconds now, std::uint16_t status, std::string_view reason)
      : request_(request), now_(now), status_(status) {
    judgeReason(reason);
  }

  // `value` without white space around it; `nominated`: named by Connection.
  // Fields that are Other need not be told.
  void field(FieldId id, std::string_view value, bool nominated);
  // `content_length`: what the field says, where there is one.
  [[nodiscard]] FindingSet headDone(std::optional<std::uint64_t> content_length);

 private:
  [[nodiscard]] bool seen(FieldId id) const { return (seen_ & maskOf(id)) != 0; }
  [[nodiscard]] bool filled(FieldId id) const { return (filled_ & maskOf(id)) != 0; }
  static constexpr std::uint64_t maskOf(FieldId id) { return std::uint64_t{1} << static_cast<unsigned>(id); }

  void judgeReason(std::string_view reason);
  void judgeValue(FieldId id, std::string_view value, bool nominated);
  void judgeContentType(std::string_view value);
  void judgeContentEncoding(std::string_view value);
  void judgeCacheControl(std::string_view value);
  void judgeContentRange(std::string_view value);
  void judgeStatus(std::optional<std::uint64_t> content_length);
  void judgePartial(std::optional<std::uint64_t> content_length);
  void judgeDates();

  const LintRequest& request_;
  std::chrono::sys_seconds now_;
  std::uint16_t status_;
  FindingSet found_;
  std::uint64_t seen_ = 0;    // FieldIds, a bit each
  std::uint64_t filled_ = 0;  // those with a value that is not empty
  bool byteranges_ = false;
  std::optional<ContentRange> range_;
  std::optional<std::chrono::sys_seconds> date_, last_modified_;
};

// The head of a 1xx. `framed`: it has Content-Length or Transfer-Encoding.
[[nodiscard]] FindingSet lintInterim(bool framed) noexcept;

// How a final response ended.
struct ResponseEnd {
  std::uint16_t status = 0;
  bool to_head = false;
  bool has_content_type = false;
  std::uint64_t content = 0;  // octets
};
[[nodiscard]] FindingSet lintEnd(const ResponseEnd& end) noexcept;
// Bytes came behind its end: which promise that breaks.
[[nodiscard]] Finding extraData(const ResponseEnd& end) noexcept;

}  // namespace gatewhy
