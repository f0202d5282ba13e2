// SPDX-License-Identifier: Apache-2.0
// The head of an HTTP/2 response (RFC 9113 section 8.3.2), interim ones too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "diagnostics/observation.h"
#include "diagnostics/redaction.h"
#include "proxy/http/h1_parser.h"
#include "proxy/http/h2/h2_head_reader.h"
#include "proxy/http/message.h"

namespace gatewhy {

// What of its request a response depends on.
struct H2ResponseContext {
  Method method = Method::Get;
  bool mend = false;  // faults of tolerance.h are mended
  // Not "": it answers an extended CONNECT, and a 2xx is written as the 101 that
  // has these lines.
  std::string_view switching;
};

class H2ResponseReader final : public H2HeadReader {
 public:
  H2ResponseReader(const HeadLimits& limits, std::uint32_t list) : H2HeadReader(list), parser_(limits) {}

  void begin(const H2ResponseContext& context);

  // All fields have come; `ends`: no body follows. nullopt: head() is good.
  // Else it holds what was understood.
  [[nodiscard]] std::optional<ParseFault> finish(bool ends, const Redaction& redact);
  [[nodiscard]] ResponseHead& head() { return parser_.head(); }
  // Octets that its body is to have; nullopt: as many as come.
  [[nodiscard]] std::optional<std::uint64_t> bodyLength();
  // Gives back memory that only a response needs.
  void rest() { restHead(); }

 private:
  void takePseudo(std::string_view name, std::string_view value, const Redaction& redact) override;
  void beginText(const Redaction& redact) override;
  void takeField(std::string_view name, std::string_view value, const Redaction& redact) override;
  [[nodiscard]] bool isPseudo(std::string_view name) const override;
  void weigh(bool ends);

  ResponseParser parser_;
  std::string switching_;
  std::string status_;
};

}  // namespace gatewhy
