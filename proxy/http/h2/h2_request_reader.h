// SPDX-License-Identifier: Apache-2.0
// The head of an HTTP/2 request (RFC 9113 section 8.3.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "diagnostics/observation.h"
#include "diagnostics/redaction.h"
#include "proxy/http/h1_parser.h"
#include "proxy/http/h2/h2_fields.h"
#include "proxy/http/h2/h2_head_reader.h"
#include "proxy/http/message.h"

namespace gatewhy {

struct H2HeadRules {
  HeadLimits head;                // of the head as text
  std::uint32_t list = 0;         // SETTINGS_MAX_HEADER_LIST_SIZE
  bool extended_connect = false;  // RFC 8441
  bool https = false;
};

class H2RequestReader final : public H2HeadReader {
 public:
  explicit H2RequestReader(const H2HeadRules& rules) : H2HeadReader(rules.list), rules_(rules), parser_(rules.head) {}

  void begin();

  // All fields have come; `ends`: no body follows. nullopt: head() is good.
  // Else it holds what was understood. `websocket_key`: of a request that
  // opensWebSocket(), 24 characters.
  [[nodiscard]] std::optional<ParseFault> finish(bool ends, std::string_view websocket_key, const Redaction& redact);
  [[nodiscard]] RequestHead& head() { return parser_.head(); }
  [[nodiscard]] std::string_view protocol() const { return text(Pseudo::Protocol); }
  [[nodiscard]] bool opensWebSocket() const;
  // Gives back memory that only a request needs.
  void rest();

 private:
  enum class Pseudo : std::uint8_t { Method, Scheme, Authority, Path, Protocol };
  static constexpr std::size_t kPseudos = 5;

  [[nodiscard]] std::string_view text(Pseudo pseudo) const { return pseudo_[static_cast<std::size_t>(pseudo)]; }
  [[nodiscard]] bool has(Pseudo pseudo) const { return seen_[static_cast<std::size_t>(pseudo)]; }

  void takePseudo(std::string_view name, std::string_view value, const Redaction& redact) override;
  void beginText(const Redaction& redact) override;
  void takeField(std::string_view name, std::string_view value, const Redaction& redact) override;
  [[nodiscard]] bool isPseudo(std::string_view name) const override;
  void takeHost(std::string_view name, std::string_view value, const Redaction& redact);
  [[nodiscard]] std::optional<H2FieldFault> judge(Pseudo pseudo) const;
  void weighBody(bool ends);

  H2HeadRules rules_;
  RequestParser parser_;
  std::array<bool, kPseudos> seen_{};
  std::array<std::string, kPseudos> pseudo_;
  std::string cookies_;  // crumbs, joined (RFC 9113 section 8.2.3)
  int hosts_ = 0;        // fields of that name
};

}  // namespace gatewhy
