// SPDX-License-Identifier: Apache-2.0
// What a fault script has to know of a raw HTTP/1.1 head, one that the real
// parser would refuse among them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gatewhy::script_head {

// Value of the first field with that name.
[[nodiscard]] std::optional<std::string_view> rawField(std::string_view head, std::string_view name);
[[nodiscard]] std::optional<std::uint64_t> rawLength(std::string_view head);  // Content-Length
[[nodiscard]] bool isChunked(std::string_view head);
[[nodiscard]] unsigned statusOf(std::string_view head);  // 0 = none
[[nodiscard]] std::string_view methodOf(std::string_view head);
[[nodiscard]] std::string_view pathOf(std::string_view head);  // without the query

}  // namespace gatewhy::script_head
