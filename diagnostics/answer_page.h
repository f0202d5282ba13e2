// SPDX-License-Identifier: Apache-2.0
// The page for people: one self-contained HTML document.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "diagnostics/diagnosis.h"

namespace gatewhy {

// Who runs the site (diagnostics.pages), for people; either may be empty.
struct AnswerSite {
  std::string_view name, contact;
};

// What the page may say; all text is raw, the page escapes it. With no
// diagnosis only status and request id are shown.
struct PageContent {
  std::uint16_t status = 0;
  std::string_view request_id;
  const Diagnosis* diagnosis = nullptr;
  std::string_view hop_name;
  std::string_view evidence;  // readable text, empty unless disclosed
  std::string_view date;      // as in the field Date; may be empty
  AnswerSite site;
};
[[nodiscard]] std::string renderPage(const PageContent& content);

// What it means to a visitor, who knows no phases.
[[nodiscard]] std::string_view visitorSentence(const Diagnosis& diagnosis);

// One line that a visitor copies into a message to the site's support: raw text,
// "" without a request id.
[[nodiscard]] std::string supportLine(const PageContent& content);

// "28 Nov 2026 21:40:02 UTC" of "Sat, 28 Nov 2026 21:40:02 GMT".
[[nodiscard]] std::string timeForPeople(std::string_view date);

// "502 Bad Gateway", or the number alone where it has no phrase.
[[nodiscard]] std::string statusLine(std::uint16_t status);

}  // namespace gatewhy
