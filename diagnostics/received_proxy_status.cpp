// SPDX-License-Identifier: Apache-2.0
// The part of the structured field grammar that Proxy-Status uses: lists of
// items with parameters (RFC 9651 section 4.2), inner lists excepted.
#include "diagnostics/received_proxy_status.h"

#include <algorithm>
#include <utility>

#include "diagnostics/octets.h"

namespace gatewhy {
namespace {

constexpr std::size_t kLongestValue = 8192;
constexpr std::size_t kLongestItem = 512;  // of what goes into the event

bool isLower(char c) {
  return c >= 'a' && c <= 'z';
}

struct BareItem {
  enum class Type : std::uint8_t { Token, String, Integer, Other };
  Type type = Type::Other;
  std::string text;         // Token, String
  std::int64_t number = 0;  // Integer
};

class Reader {
 public:
  explicit Reader(std::string_view value) : rest_(value) {}

  [[nodiscard]] bool done() const { return rest_.empty(); }
  [[nodiscard]] bool take(char c) {
    if (rest_.empty() || rest_.front() != c) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }
  void skip(std::string_view octets) { rest_.remove_prefix(std::min(rest_.find_first_not_of(octets), rest_.size())); }
  std::string_view takeWhile(bool (*fits)(char)) {
    const auto* end = std::find_if_not(rest_.begin(), rest_.end(), fits);
    const std::string_view taken(rest_.begin(), static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::optional<std::string> key() {
    if (rest_.empty() || !(isLower(rest_.front()) || rest_.front() == '*')) {
      return std::nullopt;
    }
    return std::string(takeWhile(
        [](char c) { return isLower(c) || octets::isDigit(c) || c == '_' || c == '-' || c == '.' || c == '*'; }));
  }

  std::optional<BareItem> bareItem() {
    if (rest_.empty()) {
      return std::nullopt;
    }
    const char first = rest_.front();
    if (first == '"') {
      return string();
    }
    if (octets::isAlpha(first) || first == '*') {
      return BareItem{.type = BareItem::Type::Token, .text = std::string(takeWhile(octets::isStructuredToken))};
    }
    if (octets::isDigit(first) || first == '-') {
      return number();
    }
    if (take('?')) {
      return take('0') || take('1') ? std::optional(BareItem{}) : std::nullopt;
    }
    if (take('@')) {  // a date
      const auto value = number();
      return value && value->type == BareItem::Type::Integer ? std::optional(BareItem{}) : std::nullopt;
    }
    return take(':') ? bytes() : std::nullopt;
  }

 private:
  std::optional<BareItem> string() {
    BareItem item{.type = BareItem::Type::String};
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') {
        return item;
      }
      if (c == '\\') {
        c = rest_.empty() ? '\0' : rest_.front();
        if (c != '"' && c != '\\') {
          return std::nullopt;
        }
        rest_.remove_prefix(1);
      } else if (c < 0x20 || c > 0x7E) {
        return std::nullopt;
      }
      item.text += c;
    }
    return std::nullopt;
  }

  // At most 15 digits, or 12 and 3 behind a point.
  std::optional<BareItem> number() {
    const bool negative = take('-');
    const std::string_view whole = takeWhile(octets::isDigit);
    if (whole.empty() || whole.size() > 15) {
      return std::nullopt;
    }
    if (take('.')) {
      const std::string_view fraction = takeWhile(octets::isDigit);
      const bool fits = whole.size() <= 12 && !fraction.empty() && fraction.size() <= 3;
      return fits ? std::optional(BareItem{}) : std::nullopt;
    }
    BareItem item{.type = BareItem::Type::Integer};
    for (const char digit : whole) {
      item.number = item.number * 10 + (digit - '0');
    }
    item.number = negative ? -item.number : item.number;
    return item;
  }

  std::optional<BareItem> bytes() {
    takeWhile([](char c) { return octets::isAlpha(c) || octets::isDigit(c) || c == '+' || c == '/' || c == '='; });
    return take(':') ? std::optional(BareItem{}) : std::nullopt;
  }

  std::string_view rest_;
};

// A parameter of a type that RFC 9209 does not give it says nothing.
void apply(ReceivedProxyStatus& member, std::string_view key, BareItem item) {
  item.text.resize(std::min(item.text.size(), kLongestItem));
  if (key == "error") {
    member.error = item.type == BareItem::Type::Token ? std::move(item.text) : std::string();
  } else if (key == "details") {
    member.details = item.type == BareItem::Type::String ? std::move(item.text) : std::string();
  } else if (key == "received-status") {
    const bool status = item.type == BareItem::Type::Integer && item.number >= 100 && item.number <= 999;
    member.received_status = status ? static_cast<std::uint16_t>(item.number) : std::uint16_t{0};
  }
}

std::optional<ReceivedProxyStatus> readMember(Reader& reader) {
  auto name = reader.bareItem();
  if (!name || (name->type != BareItem::Type::Token && name->type != BareItem::Type::String)) {
    return std::nullopt;
  }
  ReceivedProxyStatus member;
  member.name = std::move(name->text);
  member.name.resize(std::min(member.name.size(), kLongestItem));
  while (reader.take(';')) {
    reader.skip(" ");
    const auto key = reader.key();
    if (!key) {
      return std::nullopt;
    }
    BareItem value;  // without one: true
    if (reader.take('=')) {
      auto given = reader.bareItem();
      if (!given) {
        return std::nullopt;
      }
      value = *std::move(given);
    }
    apply(member, *key, std::move(value));
  }
  return member;
}

}  // namespace

std::optional<ReceivedProxyStatus> readProxyStatus(std::string_view value) {
  if (value.size() > kLongestValue) {
    return std::nullopt;
  }
  Reader reader(value);
  std::optional<ReceivedProxyStatus> chosen;
  for (;;) {
    reader.skip(" ");
    auto member = readMember(reader);
    if (!member) {
      return std::nullopt;
    }
    if (!chosen || chosen->error.empty()) {
      chosen = std::move(member);
    }
    reader.skip(" \t");
    if (reader.done()) {
      return chosen;
    }
    if (!reader.take(',')) {
      return std::nullopt;
    }
    reader.skip(" \t");
  }
}

}  // namespace gatewhy
