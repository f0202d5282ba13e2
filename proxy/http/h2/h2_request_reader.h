// SPDX-License-Identifier: Apache-2.0
// The head of an HTTP/2 request (RFC 9113 section 8.3): its fields come one by
// one and become a head as HTTP/1.1 has it, read by the same parser under the
// same rules. Judged here is only what HTTP/2 has and HTTP/1.1 has not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "diagnostics/observation.h"
#include "diagnostics/redaction.h"
#include "diagnostics/text_buffer.h"
#include "proxy/http/h1_parser.h"
#include "proxy/http/h2/h2_fields.h"
#include "proxy/http/message.h"

namespace gatewhy {

struct H2HeadRules {
  HeadLimits head;                // of the head as text
  std::uint32_t list = 0;         // SETTINGS_MAX_HEADER_LIST_SIZE
  bool extended_connect = false;  // RFC 8441
  bool https = false;
};

class H2RequestReader {
 public:
  explicit H2RequestReader(const H2HeadRules& rules) : rules_(rules), parser_(rules.head) {}

  void begin();
  void take(std::string_view name, std::string_view value, const Redaction& redact);
  // Octets of names and values so far, and 32 for each field (RFC 9113
  // section 6.5.2): also of what was not kept any more.
  [[nodiscard]] std::uint64_t listSize() const { return list_size_; }

  // All fields have come; `ends`: no body follows. nullopt: head() is good.
  // Else it holds what was understood. `websocket_key`: of a request that
  // opensWebSocket(), 24 characters.
  [[nodiscard]] std::optional<ParseFault> finish(bool ends, std::string_view websocket_key, const Redaction& redact);
  [[nodiscard]] RequestHead& head() { return parser_.head(); }
  [[nodiscard]] std::string_view protocol() const { return text(Pseudo::Protocol); }
  // The fault is malformed HTTP/2 and not just a bad request.
  [[nodiscard]] bool malformed() const { return malformed_; }
  [[nodiscard]] bool opensWebSocket() const;
  // Gives back memory that only a request needs.
  void rest();

 private:
  enum class Pseudo : std::uint8_t { Method, Scheme, Authority, Path, Protocol };
  static constexpr std::size_t kPseudos = 5;
  enum class Part : std::uint8_t { PseudoHeaders, Fields };

  [[nodiscard]] std::string_view text(Pseudo pseudo) const { return pseudo_[static_cast<std::size_t>(pseudo)]; }
  [[nodiscard]] bool has(Pseudo pseudo) const { return seen_[static_cast<std::size_t>(pseudo)]; }

  void takePseudo(std::string_view name, std::string_view value, const Redaction& redact);
  void takeField(std::string_view name, std::string_view value, const Redaction& redact);
  void takeHost(std::string_view name, std::string_view value, const Redaction& redact);
  void beginText(const Redaction& redact);
  [[nodiscard]] std::optional<H2FieldFault> judge(Pseudo pseudo) const;
  void addLine(std::string_view name, std::string_view value);
  void parse(const Redaction& redact);
  void weighBody(bool ends);
  void fail(const H2FieldFault& fault, std::string_view name, std::string_view value, const Redaction& redact,
            bool malformed = true);

  H2HeadRules rules_;
  RequestParser parser_;
  Part part_ = Part::PseudoHeaders;
  std::array<bool, kPseudos> seen_{};
  std::array<std::string, kPseudos> pseudo_;
  TextBuffer text_;      // the head as HTTP/1.1 would have it
  std::string cookies_;  // crumbs, joined (RFC 9113 section 8.2.3)
  int hosts_ = 0;        // fields of that name
  std::uint64_t list_size_ = 0;
  std::optional<ParseFault> fault_;
  bool malformed_ = false;
};

}  // namespace gatewhy
