// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/dns_reply.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>

namespace gatewhy {
namespace {

constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kTypeCname = 5;
constexpr std::uint16_t kTypeSoa = 6;
constexpr std::uint16_t kTypeAaaa = 28;
constexpr std::uint16_t kTypeOpt = 41;
constexpr std::uint16_t kClassIn = 1;
constexpr std::uint16_t kOptionEde = 15;
constexpr std::size_t kLongestWireName = 255;
constexpr std::size_t kLongestEdeText = 256;

char lowerCase(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Reads forward; once a read leaves the message, everything after it fails.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t at() const { return at_; }
  void markBroken() { ok_ = false; }

  std::uint16_t u16() {
    const auto part = take(2);
    return part.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(part[0] << 8 | part[1]);
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }
  std::span<const std::uint8_t> take(std::size_t size) {
    if (!ok_ || size > bytes_.size() - at_) {
      ok_ = false;
      return {};
    }
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }

  // A name in lower case without the final dot. Compression pointers must go
  // backwards (RFC 1035 section 4.1.4 "prior occurrence"), which also ends
  // every loop of them.
  std::string name() {
    std::string out;
    std::size_t position = at_;
    std::size_t lowest = at_;
    bool jumped = false;
    for (;;) {
      if (!ok_ || position >= bytes_.size()) {
        return fail();
      }
      const std::uint8_t length = bytes_[position];
      if ((length & 0xc0) == 0xc0) {
        if (position + 1 >= bytes_.size()) {
          return fail();
        }
        const std::size_t target = static_cast<std::size_t>(length & 0x3f) << 8 | bytes_[position + 1];
        if (!jumped) {
          at_ = position + 2;
          jumped = true;
        }
        if (target >= lowest) {
          return fail();
        }
        position = lowest = target;
        continue;
      }
      if (length > 63 || position + 1 + length > bytes_.size() || out.size() + length + 1 > kLongestWireName) {
        return fail();
      }
      if (length == 0) {
        if (!jumped) {
          at_ = position + 1;
        }
        return out;
      }
      if (!out.empty()) {
        out.push_back('.');
      }
      for (std::size_t i = 1; i <= length; ++i) {
        out.push_back(lowerCase(static_cast<char>(bytes_[position + i])));
      }
      position += 1U + length;
    }
  }

 private:
  std::string fail() {
    ok_ = false;
    return "";
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

struct Alias {
  std::string owner, target;
  std::uint32_t ttl;
};

struct OwnedAddress {
  std::string owner;
  Address address;
  std::uint32_t ttl;
};

Address addressFrom(std::span<const std::uint8_t> data) {
  Address out;
  if (data.size() == sizeof(in_addr)) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, data.data(), data.size());
    std::memcpy(&out.storage, &v4, sizeof v4);
    out.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, data.data(), sizeof v6.sin6_addr);
    std::memcpy(&out.storage, &v6, sizeof v6);
    out.size = sizeof v6;
  }
  return out;
}

class ReplyParser {
 public:
  ReplyParser(std::span<const std::uint8_t> bytes, const std::string& host, int family)
      : bytes_(bytes), reader_(bytes), host_(host), wanted_type_(family == AF_INET6 ? kTypeAaaa : kTypeA) {}

  DnsReply parse() {
    if (!readMessage()) {
      reply_.failure = DnsStatus::BadReply;
      return std::move(reply_);
    }
    followChain();
    judge();
    return std::move(reply_);
  }

 private:
  bool readMessage() {
    reader_.u16();  // c-ares matched the id
    const std::uint16_t flags = reader_.u16();
    const std::uint16_t questions = reader_.u16();
    const std::uint16_t answers = reader_.u16();
    const std::uint16_t authorities = reader_.u16();
    const std::uint16_t additionals = reader_.u16();
    if (!reader_.ok() || (flags & 0x8000) == 0) {
      return false;  // cut off, or a query
    }
    reply_.rcode = flags & 0x0f;
    for (int i = 0; i < questions && reader_.ok(); ++i) {
      reader_.name();
      reader_.take(4);
    }
    // Each record takes at least 11 octets, so the message's size bounds these.
    for (int i = 0; i < answers && reader_.ok(); ++i) {
      readRecord(true);
    }
    for (int i = 0; i < authorities + additionals && reader_.ok(); ++i) {
      readRecord(false);
    }
    return reader_.ok();
  }

  void readRecord(bool answer) {
    std::string owner = reader_.name();
    const std::uint16_t type = reader_.u16();
    const std::uint16_t klass = reader_.u16();
    std::uint32_t ttl = reader_.u32();
    const std::size_t size = reader_.u16();
    const std::size_t start = reader_.at();
    const auto data = reader_.take(size);
    if (!reader_.ok()) {
      return;
    }
    if (type == kTypeOpt) {
      reply_.edns = true;
      *reply_.rcode |= static_cast<int>(ttl >> 24) << 4;  // RFC 6891 section 6.1.3
      readOptions(data);
      return;
    }
    if (ttl > static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max())) {
      ttl = 0;  // RFC 2181 section 8
    }
    if (klass != kClassIn) {
      return;
    }
    answer_records_ = answer_records_ || answer;
    if (answer && type == kTypeCname) {
      aliases_.push_back({std::move(owner), nameAt(start), ttl});
    } else if (answer && type == wanted_type_) {
      if (size != (type == kTypeA ? 4U : 16U)) {
        reader_.markBroken();
        return;
      }
      addresses_.push_back({std::move(owner), addressFrom(data), ttl});
    } else if (!answer && type == kTypeSoa && size >= 4) {
      Reader minimum(data.subspan(size - 4));
      reply_.negative_ttl_s = std::min(ttl, minimum.u32());
    }
  }

  std::string nameAt(std::size_t start) {
    Reader inner(bytes_);
    inner.take(start);
    std::string out = inner.name();
    if (!inner.ok()) {
      reader_.markBroken();
    }
    return out;
  }

  void readOptions(std::span<const std::uint8_t> data) {
    Reader options(data);
    while (options.ok() && options.at() < data.size()) {
      const std::uint16_t code = options.u16();
      const auto value = options.take(options.u16());
      if (!options.ok() || code != kOptionEde || value.size() < 2 || reply_.ede_code) {
        continue;
      }
      reply_.ede_code = static_cast<std::uint16_t>(value[0] << 8 | value[1]);
      const auto text = value.subspan(2, std::min(value.size() - 2, kLongestEdeText));
      reply_.ede_text.assign(text.begin(), text.end());
    }
  }

  // Aliases may come in any order; the chain is walked from the name asked
  // for, so records of other names are never used.
  void followChain() {
    std::uint32_t ttl = std::numeric_limits<std::uint32_t>::max();
    std::string current = host_;
    for (;;) {
      const auto alias =
          std::find_if(aliases_.begin(), aliases_.end(), [&](const Alias& item) { return item.owner == current; });
      if (alias == aliases_.end()) {
        break;
      }
      const auto& chain = reply_.cname_chain;
      const bool seen = alias->target == host_ || std::find(chain.begin(), chain.end(), alias->target) != chain.end();
      current = alias->target;
      ttl = std::min(ttl, alias->ttl);
      reply_.cname_chain.push_back(current);
      if (seen || chain.size() > kLongestCnameChain) {
        reply_.cname_loop = true;
        return;
      }
    }
    for (OwnedAddress& item : addresses_) {
      if (item.owner == current) {
        ttl = std::min(ttl, item.ttl);
        reply_.addresses.push_back(item.address);
      }
    }
    reply_.ttl_s = reply_.addresses.empty() ? 0 : ttl;
  }

  void judge() {
    switch (*reply_.rcode) {
      case 0:
        judgeNoError();
        return;
      case 1:
        reply_.failure = DnsStatus::FormErr;
        break;
      case 2:
        reply_.failure = DnsStatus::ServFail;
        break;
      case 3:
        reply_.failure = DnsStatus::NxDomain;
        break;
      case 4:
        reply_.failure = DnsStatus::NotImp;
        break;
      case 5:
      case 9:  // NOTAUTH: not this server's business either
        reply_.failure = DnsStatus::Refused;
        break;
      default:
        reply_.failure = DnsStatus::BadReply;
        break;
    }
    reply_.addresses.clear();
  }

  void judgeNoError() {
    if (!reply_.addresses.empty()) {
      return;
    }
    const bool elsewhere = answer_records_ && reply_.cname_chain.empty() && (!aliases_.empty() || !addresses_.empty());
    reply_.failure = elsewhere ? DnsStatus::BadReply : DnsStatus::NoData;
  }

  std::span<const std::uint8_t> bytes_;
  Reader reader_;
  const std::string& host_;
  std::uint16_t wanted_type_;
  bool answer_records_ = false;
  std::vector<Alias> aliases_;
  std::vector<OwnedAddress> addresses_;
  DnsReply reply_;
};

}  // namespace

DnsReply parseDnsReply(std::span<const std::uint8_t> bytes, const std::string& host, int family) {
  return ReplyParser(bytes, host, family).parse();
}

}  // namespace gatewhy
