// SPDX-License-Identifier: Apache-2.0
// An origin's script, written for HTTP/1.1, as one that speaks HTTP/2 and does
// the same:
//
//   accept, tls   `h2` follows them, for one stream at a time; TLS chooses h2
//   send, repeat  a head goes as HEADERS, its body as DATA, trailers as HEADERS;
//                 fields of the connection are left out. Where a length or the
//                 last chunk says so, or the connection ends a body that has
//                 neither, the stream ends. A part of a head is nothing yet
//   close, end    FIN, and what still comes is read: TCP would make a reset of it
//
// All other steps have the same meaning.
#pragma once

#include <string>

#include "daemon/demo/fault_script.h"
#include "diagnostics/result.h"

namespace gatewhy::test {

// Where a script begins: with its connection, or behind the head that `by_path` has read.
enum class ScriptBegin : std::uint8_t { Connection, Request };

// The error is a sentence: what HTTP/2 has no place for.
[[nodiscard]] Result<Script, std::string> overHttp2(const Script& script, ScriptBegin begin);

}  // namespace gatewhy::test
