// SPDX-License-Identifier: Apache-2.0
// A parsed HTTP/1.x head: the bytes as received plus offsets into them.
// Views returned here are valid as long as the Head is neither moved,
// cleared nor destroyed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/field_id.h"
#include "diagnostics/findings.h"
#include "diagnostics/http_token.h"

namespace gatewhy {

struct Field {
  std::uint32_t name_at = 0, value_at = 0;      // offsets into Head::bytes
  std::uint32_t name_size = 0, value_size = 0;  // value without surrounding white space
  FieldId id = FieldId::Other;
  bool connection_nominated = false;  // named by Connection: hop-by-hop (RFC 9110 section 7.6.1)
};

enum class BodyKind : std::uint8_t {
  None,
  Length,  // content_length bytes (may be 0)
  Chunked,
  UntilClose,  // responses only
};

// What requests and responses share. Filled by the parser; every invariant
// below holds for a head that it accepted.
struct Head {
  std::string bytes;  // start line, fields, empty line, as received; line ends inside a joined field are spaces
  std::vector<Field> fields;
  FieldSet present;                // ids of `fields`: most questions about a field end here
  std::uint8_t version_major = 1;  // 2 where HTTP/2 brought it, and then with a minor of 1: its meaning is the same
  std::uint8_t version_minor = 1;
  BodyKind body = BodyKind::None;
  std::uint64_t content_length = 0;  // BodyKind::Length, or what HEAD/304 declare
  bool has_content_length = false;
  bool keep_alive = true;                 // after Connection and the version are weighed (RFC 9112 section 9.3)
  bool upgrade = false;                   // Upgrade present and nominated by Connection
  bool has_connection_nominated = false;  // any field is hop-by-hop by nomination

  [[nodiscard]] std::string_view version() const noexcept {  // "1.1"
    return version_major != 1 ? "2" : version_minor == 0 ? "1.0" : "1.1";
  }
  [[nodiscard]] std::string_view name(const Field& f) const { return {bytes.data() + f.name_at, f.name_size}; }
  [[nodiscard]] std::string_view value(const Field& f) const { return {bytes.data() + f.value_at, f.value_size}; }
  [[nodiscard]] const Field* find(FieldId id) const noexcept;         // the first one
  [[nodiscard]] std::string_view valueOf(FieldId id) const noexcept;  // "" where absent
  [[nodiscard]] std::size_t count(FieldId id) const noexcept;
};

enum class Method : std::uint8_t { Get, Head, Post, Put, Delete, Options, Patch, Connect, Trace, Other };
// RFC 9110 section 9.2.2.
[[nodiscard]] bool isIdempotent(Method method, std::string_view token) noexcept;

struct RequestHead : Head {
  Method method = Method::Other;
  std::uint32_t method_size = 0;  // the token is at offset 0
  std::uint32_t target_at = 0, target_size = 0;
  // Origin form of the target, whatever form was received: path begins with
  // '/' (or is "*" for OPTIONS *), query excludes the '?'.
  std::uint32_t path_at = 0, path_size = 0;
  std::uint32_t query_at = 0, query_size = 0;
  bool has_query = false;
  bool absolute_form = false;
  // Authority that routing and the forwarded Host use: of the absolute target
  // where there is one (RFC 9112 section 3.2.2), else of Host.
  std::string host;  // lower case, without port, final dot and brackets; "" where absent (HTTP/1.0)
  std::string_view authority() const { return {bytes.data() + authority_at, authority_size}; }
  std::uint32_t authority_at = 0, authority_size = 0;
  bool expect_continue = false;
  bool must_switch = false;  // by extended CONNECT (RFC 8441): any 2xx would open a tunnel
  bool te_trailers = false;

  [[nodiscard]] std::string_view methodToken() const { return {bytes.data(), method_size}; }
  [[nodiscard]] std::string_view target() const { return {bytes.data() + target_at, target_size}; }
  [[nodiscard]] std::string_view path() const {
    return path_size == 0 ? std::string_view("/") : std::string_view(bytes.data() + path_at, path_size);
  }
  [[nodiscard]] std::string_view query() const { return {bytes.data() + query_at, query_size}; }
  // How many more hops an OPTIONS may take (RFC 9110 section 7.6.2); nullopt:
  // another method, or no number there. The largest stands for all beyond it.
  [[nodiscard]] std::optional<std::uint32_t> maxForwards() const noexcept;
};

struct ResponseHead : Head {
  std::uint16_t status = 0;
  std::uint32_t reason_at = 0, reason_size = 0;
  FindingSet mended;  // faults that were mended instead of refused; then keep_alive is false
  [[nodiscard]] std::string_view reason() const { return {bytes.data() + reason_at, reason_size}; }
};

}  // namespace gatewhy
