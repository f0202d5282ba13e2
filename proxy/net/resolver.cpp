// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/resolver.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include "proxy/net/dns_cache.h"
#include "proxy/net/file_stamp.h"
#include "proxy/net/hosts_file.h"
#include "proxy/net/known_addresses.h"
#include "proxy/net/name_lookup.h"
#include "proxy/net/search_list.h"

namespace gatewhy {
namespace {

constexpr const char* kHostsPath = "/etc/hosts";
constexpr const char* kResolvConfPath = "/etc/resolv.conf";
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kLongestTextName = 253;  // RFC 1035 section 2.3.4, less the length octets
constexpr int kFamilies[] = {AF_INET6, AF_INET};
// RFC 8767 section 5: how long a question may take before addresses that work
// are used past their TTL; DNS that is in order is faster.
constexpr std::chrono::milliseconds kPatienceWithAddresses{200};
constexpr std::chrono::seconds kRetryOutage{5};

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
  return ResolvedAddresses{std::move(addresses), 0, {}};
}

// A name as it was written: in lower case, "svc.test." for one that is complete.
struct Asked {
  std::string name;  // without the final dot
  bool complete = false;
  [[nodiscard]] std::string key() const { return complete ? name + '.' : name; }
};

Asked askedFor(const std::string& host) {
  return {.name = normalized(host), .complete = host.size() > 1 && host.back() == '.'};
}

std::string contentOf(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
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
  AresResolver(EventLoop& loop, const DnsConfig& config, std::shared_ptr<Memory> before, const std::string& resolv_conf)
      : loop_(loop),
        system_servers_(config.servers.empty()),
        search_(config.search),
        stale_(config.stale),
        known_(std::dynamic_pointer_cast<KnownAddresses>(std::move(before))),
        search_path_(resolv_conf),
        search_stamp_(resolv_conf),
        retry_(loop_, [this] { retryOutages(); }),
        deliver_(loop, [this] { deliver(); }) {
    if (known_ == nullptr) {
      known_ = std::make_shared<KnownAddresses>();
    }
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
    const Asked asked = askedFor(host);
    auto waiter = std::make_shared<Waiter>(Waiter{std::move(on_answer)});
    std::vector<int> missing;
    for (const int family : kFamilies) {
      if (auto now = answerNow(asked, family)) {
        deliverLater(waiter, family, std::move(*now));
      } else {
        missing.push_back(family);
      }
    }
    if (!missing.empty() && !deliverInOutage(asked, missing, waiter)) {
      join(asked, missing, waiter);
    }
    return std::make_unique<Handle>(std::move(waiter));
  }

  DnsFault partialEvidence(const std::string& host) const override {
    const Asked asked = askedFor(host);
    DnsFault fault = localFault(DnsStatus::Timeout, 0, asked.name);
    for (const int family : kFamilies) {
      const auto running = running_.find({asked.key(), family});
      if (running != running_.end()) {
        merge(fault, running->second.lookup->evidence(family));
      } else if (const auto hit = cache_.get(asked.key(), family, EventLoop::now()); hit.answer && !hit.answer->ok()) {
        merge(fault, hit.answer->error());
      }
    }
    return fault;
  }

  void noteConnected(const std::string& host, const Address& address) override {
    known_->noteConnected(askedFor(host).key(), address);
  }
  std::shared_ptr<Memory> memory() const override { return known_; }
  std::chrono::milliseconds stale() const override { return stale_; }

 private:
  using Key = std::pair<std::string, int>;
  struct Running {
    std::shared_ptr<NameLookup> lookup;
    std::vector<std::shared_ptr<Waiter>> waiters;
    std::unique_ptr<Deadline> patience;  // where there are addresses in place of an answer
  };
  struct Delivery {
    std::shared_ptr<Waiter> waiter;
    int family;
    FamilyAnswer answer;
  };

  // Everything but the servers; nullopt: they must be asked.
  std::optional<FamilyAnswer> answerNow(const Asked& asked, int family) {
    const std::string& name = asked.name;
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
    const DnsCache::Hit hit = cache_.get(asked.key(), family, EventLoop::now());
    if (hit.answer == nullptr) {
      return std::nullopt;
    }
    FamilyAnswer answer = *hit.answer;
    if (answer.ok()) {
      answer->ttl_s = static_cast<std::uint32_t>(hit.remaining.count());
    }
    return answer;
  }

  // While DNS is out of order nobody waits for it: a family that is not known
  // is taken to have no address. False: DNS may be asked.
  bool deliverInOutage(const Asked& asked, const std::vector<int>& families, const std::shared_ptr<Waiter>& waiter) {
    const std::string key = asked.key();
    std::optional<DnsStatus> outage;
    for (const int family : kFamilies) {
      if (known_->inOutage(key, family)) {
        if (const auto instead = known_->inPlaceOf(key, family, EventLoop::now(), stale_)) {
          outage = instead->facts.stale->status;
        }
      }
    }
    if (!outage) {
      return false;
    }
    for (const int family : families) {
      if (auto instead = known_->inPlaceOf(key, family, EventLoop::now(), stale_)) {
        deliverLater(waiter, family, *std::move(instead));
      } else {
        deliverLater(waiter, family, Failure{localFault(*outage, 0, asked.name)});
      }
    }
    retryLater(asked);
    return true;
  }

  void join(const Asked& asked, const std::vector<int>& families, const std::shared_ptr<Waiter>& waiter) {
    const std::string key = asked.key();
    std::vector<int> to_ask;
    for (const int family : families) {
      const auto found = running_.find({key, family});
      if (found == running_.end()) {
        to_ask.push_back(family);
      } else if (waiter) {
        found->second.waiters.push_back(waiter);
      }
    }
    if (to_ask.empty()) {
      return;
    }
    refreshSystemServers();
    auto lookup = std::make_shared<NameLookup>(
        loop_, servers_, asked.name, namesFor(asked), to_ask,
        [this, asked](int family, const FamilyAnswer& answer, std::optional<std::uint32_t> negative_ttl_s) {
          onAnswer(asked, family, answer, negative_ttl_s);
        });
    for (const int family : to_ask) {
      Running& running = running_[{key, family}];
      running.lookup = lookup;
      if (waiter) {
        running.waiters.push_back(waiter);
      }
      if (waiter && known_->inPlaceOf(key, family, EventLoop::now(), stale_)) {
        running.patience = std::make_unique<Deadline>(loop_, [this, asked, family] { onImpatient(asked, family); });
        running.patience->arm(kPatienceWithAddresses);
      }
    }
    lookup->start();
  }

  std::vector<std::string> namesFor(const Asked& asked) {
    if (!search_ || asked.complete) {
      return {asked.name};
    }
    if (search_stamp_.changed()) {
      search_list_ = SearchList::parse(contentOf(search_path_));
    }
    return search_list_.namesFor(asked.name);
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

  // DNS has not answered in good time, and there are addresses that work.
  void onImpatient(const Asked& asked, int family) {
    const auto found = running_.find({asked.key(), family});
    if (found == running_.end()) {
      return;
    }
    known_->noteOutage(asked.key(), family, DnsStatus::Timeout);
    std::vector<std::shared_ptr<Waiter>> waiters;
    waiters.swap(found->second.waiters);
    for (const auto& waiter : waiters) {
      if (const auto instead = known_->inPlaceOf(asked.key(), family, EventLoop::now(), stale_)) {
        deliverLater(waiter, family, *instead);
      }
    }
    retryLater(asked);
  }

  void onAnswer(const Asked& asked, int family, const FamilyAnswer& answer,
                std::optional<std::uint32_t> negative_ttl_s) {
    const Key key{asked.key(), family};
    const auto found = running_.find(key);
    const auto lifetime = cacheLifetime(answer, negative_ttl_s);
    cache_.put(key.first, family, answer, lifetime, EventLoop::now());
    const FamilyAnswer told = learn(asked, family, answer, lifetime);
    for (const auto& waiter : found->second.waiters) {
      deliverLater(waiter, family, told);
    }
    // It is still running the function that called us.
    finished_.push_back(std::move(found->second.lookup));
    running_.erase(found);
    deliver_.schedule();
  }

  // The answer, or the addresses in its place.
  FamilyAnswer learn(const Asked& asked, int family, const FamilyAnswer& answer, std::chrono::seconds lifetime) {
    const std::string key = asked.key();
    if (answer.ok()) {
      known_->learn(key, family, answer.value(), EventLoop::now() + lifetime);
      return answer;
    }
    if (!isDnsOutage(answer.error().status)) {
      const DnsStatus status = answer.error().status;
      if (status == DnsStatus::NxDomain || status == DnsStatus::NoData) {
        known_->forget(key, family);
      }
      return answer;
    }
    known_->noteOutage(key, family, answer.error().status);
    auto instead = known_->inPlaceOf(key, family, EventLoop::now(), stale_);
    if (!instead) {
      return answer;
    }
    retryLater(asked);
    return *std::move(instead);
  }

  void retryLater(const Asked& asked) {
    outages_.insert_or_assign(asked.key(), asked);
    if (!retry_.armed()) {
      retry_.arm(kRetryOutage);
    }
  }

  void retryOutages() {
    std::map<std::string, Asked> names;
    names.swap(outages_);
    for (const auto& [key, asked] : names) {
      std::vector<int> families;
      bool useful = false;
      for (const int family : kFamilies) {
        families.push_back(family);
        useful = useful || (known_->inOutage(key, family) && known_->inPlaceOf(key, family, EventLoop::now(), stale_));
      }
      if (useful) {
        join(asked, families, nullptr);
        retryLater(asked);
      }
    }
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
    if (into.searched.empty() && !from.searched.empty()) {
      into.searched = std::move(from.searched);
      into.host = std::move(from.host);
    }
    if (into.cname_chain.empty()) {
      into.cname_chain = std::move(from.cname_chain);
      into.cname_loop = from.cname_loop;
    }
  }

  EventLoop& loop_;
  bool system_servers_;
  bool search_;
  std::chrono::milliseconds stale_;
  std::shared_ptr<KnownAddresses> known_;
  FileStamp resolv_conf_{kResolvConfPath};
  std::string search_path_;
  FileStamp search_stamp_;
  SearchList search_list_;
  std::optional<HostsFile> hosts_;
  DnsCache cache_;
  DnsLookup::Servers servers_;
  std::map<Key, Running> running_;
  std::map<std::string, Asked> outages_;  // asked again every kRetryOutage
  std::vector<std::shared_ptr<NameLookup>> finished_;
  std::vector<Delivery> queue_;
  Deadline retry_;
  DeferredCall deliver_;
};

}  // namespace

std::unique_ptr<Resolver> Resolver::create(EventLoop& loop, const DnsConfig& config, std::shared_ptr<Memory> before,
                                           const std::string& resolv_conf) {
  return std::make_unique<AresResolver>(loop, config, std::move(before), resolv_conf);
}

}  // namespace gatewhy
