// SPDX-License-Identifier: Apache-2.0
// What the operator wrote for gatewhy's own answers, with the variables filled
// in: pages and `respond.body`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/pages.h"
#include "diagnostics/answer.h"
#include "proxy/exchange/variables.h"

namespace gatewhy {

// What the variables of answers stand for. Views live as long as the exchange.
struct AnswerText {
  std::uint16_t status = 0;
  int retry_after_s = 0;  // 0 = the answer has no Retry-After
  std::string_view date;  // its Date (RFC 9110 section 5.6.7)
  AnswerSite site;
  const Diagnosis* diagnosis = nullptr;  // null: nothing failed, or the cause is not disclosed
  bool evidence = false;                 // the evidence is disclosed
};

// What a value must not be taken for.
enum class ContentKind : std::uint8_t { Plain, Markup, Json };

// Of a Content-Type; "" = plain text.
[[nodiscard]] ContentKind contentKind(std::string_view content_type) noexcept;

// Values are escaped for `kind`; what the operator wrote stands as it is.
[[nodiscard]] std::string writeText(const TextTemplate& text, const VariableSource& source, const AnswerText& answer,
                                    ContentKind kind);
[[nodiscard]] Answer makeOwnPage(const OwnPage& page, const VariableSource& source, const AnswerText& answer);

}  // namespace gatewhy
