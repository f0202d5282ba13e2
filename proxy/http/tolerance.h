// SPDX-License-Identifier: Apache-2.0
// Which faults of a response head `strictness: report` mends instead of
// refusing, one function per fault. Each answers one question: can the mended
// line be read by nobody as something that frames the message, and does what
// is left mean what it did? Where that is not certain, the answer is no.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "proxy/http/field_line.h"
#include "proxy/http/message.h"

namespace gatewhy {

// Content-Length, Transfer-Encoding, Connection, Trailer, Upgrade, TE.
[[nodiscard]] bool framesMessage(FieldId id) noexcept;

// `line`, which parseFieldLine refused, with the white space before its colon
// taken for none (RFC 9112 section 5.1 asks proxies to do so in responses).
// nullopt where there is more at fault, or where the field frames the message.
[[nodiscard]] std::optional<FieldLine> withoutSpaceBeforeColon(std::string_view line) noexcept;

// Whether `line`, at fault as `error` says, may be left out: nothing in it
// names, or nearly names, a field that frames the message, and no octet in it
// ends a line for anybody.
[[nodiscard]] bool mayLeaveOut(std::string_view line, ParseError error) noexcept;

// Whether `line`, which begins with white space, may be joined to `field`
// (RFC 9112 section 5.2): neither may frame the message.
[[nodiscard]] bool mayJoin(const Field& field, std::string_view line) noexcept;

// Whether a reason phrase may be left out although it has an octet that may
// not stand there.
[[nodiscard]] bool mayLeaveOutReason(std::string_view reason) noexcept;

}  // namespace gatewhy
