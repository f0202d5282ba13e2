// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/resolver.h"

#include <algorithm>
#include <map>
#include <utility>

#include "proxy/net/dns_cache.h"
#include "proxy/net/dns_lookup.h"
#include "proxy/net/file_stamp.h"
#include "proxy/net/hosts_file.h"

namespace gatewhy {
namespace {

constexpr const char* kHostsPath = "/etc/hosts";
constexpr const char* kResolvConfPath = "/etc/resolv.conf";
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kLongestTextName = 253;  // RFC 1035 section 2.3.4, less the length octets
constexpr int kFamilies[] = {AF_INET6, AF_INET};

// Names are compared in lower case without the dot of the root.
std::string normalized(const std::string& host) {
  std::string out = host;
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (!out.empty() && out.back() == '.') {
    out.pop_back();
  }
  return out;
}

// Lengths as in RFC 1035; of the octets only those are refused that c-ares
// would read as an escape or that no name in a configuration means.
bool isValidName(const std::string& name) {
  if (name.empty() || name.size() > kLongestTextName) {
    return false;
  }
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) {
        return false;
      }
      label = 0;
    } else if (c <= ' ' || c >= 0x7f || c == '\\' || ++label > kLongestLabel) {
      return false;
    }
  }
  return label > 0;
}

bool isLocalhost(const std::string& name) {
  return name == "localhost" || (name.size() > 10 && name.ends_with(".localhost"));
}

DnsFault localFault(DnsStatus status, int ares_status, const std::string& host) {
  DnsFault fault;
  fault.status = status;
  fault.ares_status = ares_status;
  fault.host = host;
  return fault;
}

FamilyAnswer fromList(std::vector<Address> addresses, const std::string& host) {
  if (addresses.empty()) {
    return Failure{localFault(DnsStatus::NoData, ARES_ENODATA, host)};
  }
  return ResolvedAddresses{std::move(addresses), 0};
}

// Who waits for an answer. Shared with the queue of answers, so that it can
// be given up at any time.
struct Waiter {
  std::function<void(int family, FamilyAnswer answer)> on_answer;
  bool cancelled = false;
};

class Handle : public ResolveHandle {
 public:
  explicit Handle(std::shared_ptr<Waiter> waiter) : waiter_(std::move(waiter)) {}
  ~Handle() override { waiter_->cancelled = true; }

 private:
  std::shared_ptr<Waiter> waiter_;
};

class AresResolver : public Resolver {
 public:
  AresResolver(EventLoop& loop, const DnsConfig& config)
      : loop_(loop), system_servers_(config.servers.empty()), deliver_(loop, [this] { deliver(); }) {
    if (config.hosts_file) {
      hosts_.emplace(kHostsPath);
    }
    for (const std::string& text : config.servers) {
      if (const auto address = parseDnsServer(text)) {
        servers_.push_back(std::make_shared<DnsChannel>(loop_, *address));
      }
    }
  }

  std::unique_ptr<ResolveHandle> resolve(const std::string& host,
                                         std::function<void(int family, FamilyAnswer answer)> on_answer) override {
    const std::string name = normalized(host);
    auto waiter = std::make_shared<Waiter>(Waiter{std::move(on_answer)});
    for (const int family : kFamilies) {
      if (auto known = answerNow(name, family)) {
        deliverLater(waiter, family, std::move(*known));
      } else {
        join(name, family, waiter);
      }
    }
    return std::make_unique<Handle>(std::move(waiter));
  }

  DnsFault partialEvidence(const std::string& host) const override {
    const std::string name = normalized(host);
    DnsFault fault = localFault(DnsStatus::Timeout, 0, name);
    for (const int family : kFamilies) {
      const auto running = running_.find({name, family});
      if (running != running_.end()) {
        merge(fault, running->second.lookup->evidence());
      } else if (const auto hit = cache_.get(name, family, EventLoop::now()); hit.answer && !hit.answer->ok()) {
        merge(fault, hit.answer->error());
      }
    }
    return fault;
  }

 private:
  using Key = std::pair<std::string, int>;
  struct Running {
    std::shared_ptr<DnsLookup> lookup;
    std::vector<std::shared_ptr<Waiter>> waiters;
  };
  struct Delivery {
    std::shared_ptr<Waiter> waiter;
    int family;
    FamilyAnswer answer;
  };

  // Everything but the servers; nullopt: they must be asked.
  std::optional<FamilyAnswer> answerNow(const std::string& name, int family) {
    for (const int literal_family : kFamilies) {
      if (const auto literal = Address::fromIp(name, 0); literal && literal->family() == literal_family) {
        return fromList(literal_family == family ? std::vector{*literal} : std::vector<Address>{}, name);
      }
    }
    if (!isValidName(name)) {
      return Failure{localFault(DnsStatus::BadName, ARES_EBADNAME, name)};
    }
    // A name in the file is answered by it for both families, as the C
    // library does.
    if (hosts_) {
      if (const HostsFile::Entry* entry = hosts_->find(name)) {
        return fromList(family == AF_INET6 ? entry->v6 : entry->v4, name);
      }
    }
    if (isLocalhost(name)) {  // never asked of a server: RFC 6761 section 6.3
      return fromList({*Address::fromIp(family == AF_INET6 ? "::1" : "127.0.0.1", 0)}, name);
    }
    const DnsCache::Hit hit = cache_.get(name, family, EventLoop::now());
    if (hit.answer == nullptr) {
      return std::nullopt;
    }
    FamilyAnswer answer = *hit.answer;
    if (answer.ok()) {
      answer->ttl_s = static_cast<std::uint32_t>(hit.remaining.count());
    }
    return answer;
  }

  void join(const std::string& name, int family, const std::shared_ptr<Waiter>& waiter) {
    const Key key{name, family};
    if (const auto found = running_.find(key); found != running_.end()) {
      found->second.waiters.push_back(waiter);
      return;
    }
    refreshSystemServers();
    auto lookup = std::make_shared<DnsLookup>(
        loop_, servers_, name, family,
        [this, key](const FamilyAnswer& answer, std::optional<std::uint32_t> negative_ttl_s) {
          onLookupDone(key, answer, negative_ttl_s);
        });
    running_[key] = {lookup, {waiter}};
    lookup->start();
  }

  // resolv.conf is often rewritten when a network comes up. Look-ups that run
  // keep the servers they began with.
  void refreshSystemServers() {
    if (!system_servers_ || !resolv_conf_.changed()) {
      return;
    }
    servers_.clear();
    for (const Address& address : systemDnsServers()) {
      servers_.push_back(std::make_shared<DnsChannel>(loop_, address));
    }
  }

  void onLookupDone(const Key& key, const FamilyAnswer& answer, std::optional<std::uint32_t> negative_ttl_s) {
    const auto found = running_.find(key);
    cache_.put(key.first, key.second, answer, cacheLifetime(answer, negative_ttl_s), EventLoop::now());
    for (const auto& waiter : found->second.waiters) {
      deliverLater(waiter, key.second, answer);
    }
    // It is still running the function that called us.
    finished_.push_back(std::move(found->second.lookup));
    running_.erase(found);
    deliver_.schedule();
  }

  void deliverLater(std::shared_ptr<Waiter> waiter, int family, FamilyAnswer answer) {
    queue_.push_back({std::move(waiter), family, std::move(answer)});
    deliver_.schedule();
  }

  void deliver() {
    finished_.clear();
    std::vector<Delivery> ready;
    ready.swap(queue_);  // callbacks may ask again
    for (Delivery& item : ready) {
      if (!item.waiter->cancelled) {
        item.waiter->on_answer(item.family, std::move(item.answer));
      }
    }
  }

  // Evidence of both families in one fault; the status stays.
  static void merge(DnsFault& into, DnsFault from) {
    into.elapsed_ms = std::max(into.elapsed_ms, from.elapsed_ms);
    into.servers.insert(into.servers.end(), from.servers.begin(), from.servers.end());
    if (!into.rcode) {
      into.rcode = from.rcode;
      into.ede_code = from.ede_code;
      into.ede_text = std::move(from.ede_text);
    }
    if (into.cname_chain.empty()) {
      into.cname_chain = std::move(from.cname_chain);
      into.cname_loop = from.cname_loop;
    }
  }

  EventLoop& loop_;
  bool system_servers_;
  FileStamp resolv_conf_{kResolvConfPath};
  std::optional<HostsFile> hosts_;
  DnsCache cache_;
  DnsLookup::Servers servers_;
  std::map<Key, Running> running_;
  std::vector<std::shared_ptr<DnsLookup>> finished_;
  std::vector<Delivery> queue_;
  DeferredCall deliver_;
};

}  // namespace

std::unique_ptr<Resolver> Resolver::create(EventLoop& loop, const DnsConfig& config) {
  return std::make_unique<AresResolver>(loop, config);
}

}  // namespace gatewhy
