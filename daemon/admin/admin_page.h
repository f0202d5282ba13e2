// SPDX-License-Identifier: Apache-2.0
// The files of the live page (daemon/admin/page/), built into the binary.
#pragma once

#include <span>
#include <string_view>

namespace gatewhy {

struct PageFile {
  std::string_view path;  // "/page.js"
  std::string_view content_type;
  std::string_view content;
};
[[nodiscard]] std::span<const PageFile> pageFiles() noexcept;

}  // namespace gatewhy
