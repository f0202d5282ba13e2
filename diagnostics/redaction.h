// SPDX-License-Identifier: Apache-2.0
// What must not be read in a log, on a page or in an answer: the values of
// credentials. They are replaced with "…" where an event or its evidence is
// made, so that every place that shows one shows the same. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatewhy {

struct Observation;

// Names without regard to case; "*" stands for any characters.
struct RedactionRules {
  std::vector<std::string> query = {"*token*",   "*key*",       "*secret*", "*password*", "passwd",     "pwd",
                                    "pass",      "*signature*", "sig",      "code",       "auth",       "*credential*",
                                    "*session*", "sid",         "*jwt*",    "otp",        "ticket",     "*sessid*",
                                    "saml*",     "*assertion*", "*csrf*",   "*bearer*",   "*verifier*", "device_code",
                                    "hmac",      "pin",         "cvv",      "cvc"};
  std::vector<std::string> headers;  // beside those that always are: see hidesField()
  friend bool operator==(const RedactionRules&, const RedactionRules&) = default;
};

class Redaction {
 public:
  static constexpr std::string_view kMark = "…";

  Redaction() : Redaction(RedactionRules()) {}
  explicit Redaction(const RedactionRules& rules);

  // Fields of credentials always: Authorization, Proxy-Authorization, Cookie,
  // Set-Cookie, and names that hold "token", "secret", "password", "api-key" …
  [[nodiscard]] bool hidesField(std::string_view name) const;
  // Of a query's pair; percent-encoded letters count as what they stand for.
  [[nodiscard]] bool hidesParameter(std::string_view name) const;

  // With the values of hidden pairs replaced: a query, or a path with
  // parameters (";jsessionid=…"). nullopt, nearly always: nothing is hidden.
  [[nodiscard]] std::optional<std::string> pairs(std::string_view text) const;
  // The octets [from, from + size) of `head`, with the values of hidden fields,
  // of hidden pairs wherever they stand, and the user's part of URLs replaced.
  // Control characters in them stay: they may be the fault that is shown.
  [[nodiscard]] std::string excerpt(std::string_view head, std::size_t from, std::size_t size) const;
  // The same of all of it.
  [[nodiscard]] std::string text(std::string_view bytes) const { return excerpt(bytes, 0, bytes.size()); }

 private:
  using Range = std::pair<std::size_t, std::size_t>;  // begin and end
  void addPairs(std::string_view text, std::size_t at, std::vector<Range>& hidden) const;
  void addUserinfo(std::string_view line, std::size_t at, std::vector<Range>& hidden) const;
  void addLine(std::string_view line, std::size_t at, bool& field_hidden, std::vector<Range>& hidden) const;

  std::vector<std::string> query_, headers_;  // lower case
};

// What of an observation strangers may have filled without a head around it:
// first bytes, details. Excerpts are redacted where their head is known.
void redactEvidence(Observation& seen, const Redaction& redact);

}  // namespace gatewhy
