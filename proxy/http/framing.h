// SPDX-License-Identifier: Apache-2.0
// What the fields of a complete head say about the connection and the length
// of the body (RFC 9112 sections 6 and 9). The same for requests and
// responses up to the point where the two part.
#pragma once

#include <optional>

#include "diagnostics/findings.h"
#include "proxy/http/field_line.h"
#include "proxy/http/message.h"

namespace gatewhy {

// Sets keep_alive, upgrade and the nomination marks.
[[nodiscard]] std::optional<HeadFault> weighConnection(Head& head);

// Sets has_content_length and content_length, and body to Chunked, Length or
// None: what the fields alone say.
// `mended`: where given, a Content-Length that was only repeated is taken once
// and noted there (RFC 9110 section 8.6).
[[nodiscard]] std::optional<HeadFault> weighFraming(Head& head, FindingSet* mended = nullptr);

}  // namespace gatewhy
