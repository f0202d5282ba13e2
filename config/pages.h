// SPDX-License-Identifier: Apache-2.0
// The operator's own pages (diagnostics.pages), as they were when the
// configuration was loaded.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "config/text_template.h"

namespace gatewhy {

struct OwnPage {
  std::string file;  // its path, for messages
  TextTemplate html;
};

struct PagesConfig {
  std::string directory;                              // of NAME.html; empty = the built-in page only
  std::string name, contact;                          // of the site, for people; may be empty
  std::map<std::string, OwnPage, std::less<>> pages;  // "404", "5xx", "maintenance": file names without .html

  // The page of a status, or else of its class; null = there is none. It lives
  // as long as the configuration.
  [[nodiscard]] const OwnPage* forStatus(std::uint16_t status) const;
  [[nodiscard]] const OwnPage* named(std::string_view page) const;
};

// "400" to "599", "4xx" and "5xx": names of pages that are chosen by status.
[[nodiscard]] bool isStatusPage(std::string_view name) noexcept;

}  // namespace gatewhy
