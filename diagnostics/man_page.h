// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace gatewhy {

// A manual page in man(7)'s macros, from top to bottom. Texts are plain unless
// their parameter is called `markdown`: that may hold `code`, **strong** and
// *emphasized* parts.
class ManPage {
 public:
  // `source`: what the page is generated from, for whoever wants to edit it.
  ManPage(std::string_view name, int section, std::string_view summary, std::string_view source);

  void section(std::string_view title);
  void subsection(std::string_view title);
  void paragraph(std::string_view markdown);
  void tagged(std::string_view tag, std::string_view markdown);
  // A line of its own below a tag; nothing where it would be empty.
  void detail(std::string_view label, std::string_view markdown);
  void example(std::string_view lines);
  // "gatewhy(1)": the last section of a page.
  void seeAlso(std::string_view page);

  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
  bool see_also_ = false;
};

}  // namespace gatewhy
