// SPDX-License-Identifier: Apache-2.0
#include "tests/support/dns_script.h"

#include <arpa/inet.h>

#include <array>
#include <cctype>

namespace gatewhy {
namespace {

constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kTypeCname = 5;
constexpr std::uint16_t kTypeSoa = 6;
constexpr std::uint16_t kTypeAaaa = 28;
constexpr std::uint16_t kTypeOpt = 41;
constexpr std::size_t kHeader = 12;
constexpr int kLongestChain = 32;  // a scripted loop has to end somewhere

std::uint16_t read16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

void put16(std::string& out, unsigned value) {
  out.push_back(static_cast<char>(value >> 8 & 0xff));
  out.push_back(static_cast<char>(value & 0xff));
}

void put32(std::string& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}

void putName(std::string& out, std::string_view name) {
  while (!name.empty()) {
    const std::size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    out.push_back(static_cast<char>(label.size()));
    out.append(label);
    name.remove_prefix(dot == std::string_view::npos ? name.size() : dot + 1);
  }
  out.push_back('\0');
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

struct ParsedQuery {
  std::string name;
  std::uint16_t type = 0;
  std::size_t question_end = 0;
  bool edns = false;
};

std::optional<ParsedQuery> parseQuery(std::string_view query) {
  if (query.size() < kHeader || (static_cast<unsigned char>(query[2]) & 0x80) != 0 || read16(query, 4) != 1) {
    return std::nullopt;
  }
  ParsedQuery parsed;
  std::size_t at = kHeader;
  for (;;) {
    if (at >= query.size()) {
      return std::nullopt;
    }
    const std::size_t length = static_cast<unsigned char>(query[at++]);
    if (length == 0) {
      break;
    }
    if (length > 63 || at + length > query.size()) {
      return std::nullopt;
    }
    if (!parsed.name.empty()) {
      parsed.name.push_back('.');
    }
    parsed.name.append(query.substr(at, length));
    at += length;
  }
  if (at + 4 > query.size()) {
    return std::nullopt;
  }
  parsed.name = lower(parsed.name);
  parsed.type = read16(query, at);
  parsed.question_end = at + 4;
  // A stub resolver's only additional record is OPT, at the root name.
  parsed.edns = read16(query, 10) == 1 && parsed.question_end + 11 <= query.size() &&
                query[parsed.question_end] == '\0' && read16(query, parsed.question_end + 1) == kTypeOpt;
  return parsed;
}

std::string typeName(std::uint16_t type) {
  switch (type) {
    case kTypeA:
      return "A";
    case kTypeAaaa:
      return "AAAA";
    default:
      return "TYPE" + std::to_string(type);
  }
}

const DnsRule* findRule(const std::vector<DnsRule>& rules, const std::string& name, const std::string& type) {
  for (const DnsRule& rule : rules) {
    if ((rule.name == "*" || lower(rule.name) == name) && (rule.type == "*" || rule.type == type)) {
      return &rule;
    }
  }
  return nullptr;
}

unsigned rcodeOf(const std::string& action) {
  if (action == "formerr") {
    return 1;
  }
  if (action == "servfail") {
    return 2;
  }
  if (action == "nxdomain") {
    return 3;
  }
  if (action == "notimp") {
    return 4;
  }
  return action == "refused" ? 5 : 0;
}

class Answer {
 public:
  Answer(std::string_view query, ParsedQuery parsed) : query_(query), parsed_(std::move(parsed)) {}

  std::optional<std::string> build(const std::vector<DnsRule>& rules, DnsCarrier carrier) {
    static const DnsRule kUnknown{"*", "*", "nxdomain", {}, 60, -1, ""};
    const std::string type = typeName(parsed_.type);
    std::string name = parsed_.name;
    const DnsRule* rule = findRule(rules, name, type);
    for (int links = 0; rule != nullptr && rule->action == "cname" && links < kLongestChain; ++links) {
      const std::string target = rule->values.empty() ? name : lower(rule->values.front());
      addCname(name, target, rule->ttl);
      name = target;
      last_ = rule;
      rule = findRule(rules, name, type);
    }
    if (rule == nullptr) {
      rule = last_ != nullptr ? last_ : &kUnknown;
    }
    if (rule->action == "silent") {
      return std::nullopt;
    }
    if (rule->action == "truncated" && carrier == DnsCarrier::Udp) {
      return finish(*rule, 0, true);
    }
    if (rule->action == "garbage") {
      answers_ = "\x01";  // the header promises one record, and a label is cut off
      answer_count_ = 1;
      return finish(*rule, 0, false);
    }
    if (rule->action == "addresses" || rule->action == "truncated") {
      for (const std::string& value : rule->values) {
        addAddress(name, value, rule->ttl);
      }
    }
    const unsigned rcode = rcodeOf(rule->action);
    if ((rcode == 3 || rcode == 0) && addresses_ == 0 && rule->action != "cname") {
      addSoa(rule->ttl);
    }
    return finish(*rule, rcode, false);
  }

 private:
  void addRecord(std::string& section, const std::string& owner, std::uint16_t type, std::uint32_t ttl,
                 const std::string& data) const {
    if (owner == parsed_.name) {
      put16(section, 0xc000U | kHeader);  // compressed, as real servers do
    } else {
      putName(section, owner);
    }
    put16(section, type);
    put16(section, 1);
    put32(section, ttl);
    put16(section, static_cast<unsigned>(data.size()));
    section.append(data);
  }

  void addCname(const std::string& owner, const std::string& target, std::uint32_t ttl) {
    std::string data;
    putName(data, target);
    addRecord(answers_, owner, kTypeCname, ttl, data);
    ++answer_count_;
  }

  void addAddress(const std::string& owner, const std::string& value, std::uint32_t ttl) {
    std::array<char, 16> raw{};
    const int family = parsed_.type == kTypeA ? AF_INET : AF_INET6;
    if ((parsed_.type != kTypeA && parsed_.type != kTypeAaaa) || inet_pton(family, value.c_str(), raw.data()) != 1) {
      return;
    }
    addRecord(answers_, owner, parsed_.type, ttl, std::string(raw.data(), family == AF_INET ? 4 : 16));
    ++answer_count_;
    ++addresses_;
  }

  void addSoa(std::uint32_t ttl) {
    std::string data;
    putName(data, "ns.test");
    putName(data, "hostmaster.test");
    for (const std::uint32_t value : {1U, 3600U, 600U, 86400U}) {
      put32(data, value);
    }
    put32(data, ttl);
    addRecord(authority_, "test", kTypeSoa, ttl, data);
    ++authority_count_;
  }

  std::string finish(const DnsRule& rule, unsigned rcode, bool truncated) const {
    std::string out(query_.substr(0, 2));
    // QR, RD and RA; TC where asked for.
    put16(out, 0x8180U | (truncated ? 0x0200U : 0U) | rcode);
    put16(out, 1);
    put16(out, answer_count_);
    put16(out, authority_count_);
    put16(out, parsed_.edns ? 1 : 0);
    out.append(query_.substr(kHeader, parsed_.question_end - kHeader));
    out.append(answers_);
    out.append(authority_);
    if (parsed_.edns) {
      std::string options;
      if (rule.ede >= 0) {
        put16(options, 15);
        put16(options, static_cast<unsigned>(2 + rule.ede_text.size()));
        put16(options, static_cast<unsigned>(rule.ede));
        options.append(rule.ede_text);
      }
      out.push_back('\0');
      put16(out, kTypeOpt);
      put16(out, 1232);
      put32(out, 0);
      put16(out, static_cast<unsigned>(options.size()));
      out.append(options);
    }
    return out;
  }

  std::string_view query_;
  ParsedQuery parsed_;
  const DnsRule* last_ = nullptr;
  std::string answers_, authority_;
  unsigned answer_count_ = 0, authority_count_ = 0, addresses_ = 0;
};

}  // namespace

std::optional<std::string> answerDns(std::string_view query, const std::vector<DnsRule>& rules, DnsCarrier carrier) {
  std::optional<ParsedQuery> parsed = parseQuery(query);
  if (!parsed) {
    return std::nullopt;
  }
  return Answer(query, std::move(*parsed)).build(rules, carrier);
}

std::optional<DnsQuestion> readDnsQuestion(std::string_view query) {
  const std::optional<ParsedQuery> parsed = parseQuery(query);
  if (!parsed) {
    return std::nullopt;
  }
  return DnsQuestion{parsed->name, typeName(parsed->type)};
}

}  // namespace gatewhy
