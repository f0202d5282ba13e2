// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/dns_lookup.h"

#include <utility>

namespace gatewhy {
namespace {

// A server that is silent this long gets company by the next one; it may
// still answer first. Short enough for a third server to be asked inside the
// default resolve timeout.
constexpr std::chrono::milliseconds kPatience{500};

DnsStatus statusWithoutAnswer(const RawDnsAnswer& raw) {
  if (raw.socket_error != 0) {
    return DnsStatus::LocalFailure;
  }
  switch (raw.ares_status) {
    case ARES_ETIMEOUT:
      return DnsStatus::Timeout;
    case ARES_ECONNREFUSED:
      return DnsStatus::ServerUnreachable;
    case ARES_EBADNAME:
      return DnsStatus::BadName;
    case ARES_ENOTFOUND:  // names that must not leave the host (RFC 7686)
      return DnsStatus::NxDomain;
    case ARES_EBADRESP:
      return DnsStatus::BadReply;
    default:
      return DnsStatus::LocalFailure;
  }
}

// The name's owner has spoken: another server would say the same.
bool isFinal(DnsStatus status) {
  return status == DnsStatus::NxDomain || status == DnsStatus::NoData || status == DnsStatus::BadName;
}

}  // namespace

int informativeness(DnsStatus status) noexcept {
  switch (status) {
    case DnsStatus::BadName:
      return 10;
    case DnsStatus::NxDomain:
      return 9;
    case DnsStatus::ServFail:
      return 8;
    case DnsStatus::Refused:
      return 7;
    case DnsStatus::FormErr:
      return 6;
    case DnsStatus::NotImp:
      return 5;
    case DnsStatus::BadReply:
      return 4;
    case DnsStatus::Timeout:
      return 3;
    case DnsStatus::ServerUnreachable:
      return 2;
    case DnsStatus::LocalFailure:
      return 1;
    case DnsStatus::NoData:
      return 0;  // explains nothing about the other family
  }
  return 0;
}

DnsLookup::DnsLookup(EventLoop& loop, Servers servers, std::string host, int family, OnDone on_done)
    : servers_(std::move(servers)),
      host_(std::move(host)),
      family_(family),
      on_done_(std::move(on_done)),
      started_(EventLoop::now()),
      patience_(loop, [this] { askNext(); }) {}

void DnsLookup::start() {
  if (servers_.empty()) {
    DnsFault fault;
    fault.status = DnsStatus::ServerUnreachable;
    fault.ares_status = ARES_ECONNREFUSED;
    finish(Failure{withServers(std::move(fault))}, std::nullopt);
    return;
  }
  askNext();
}

void DnsLookup::askNext() {
  const std::size_t server = asked_.size();
  if (server == servers_.size()) {
    return;
  }
  asked_.push_back({EventLoop::now(), std::nullopt, 0, false});
  if (asked_.size() < servers_.size()) {
    patience_.arm(kPatience);
  }
  ++pending_;
  ask(server);
}

void DnsLookup::ask(std::size_t server) {
  servers_[server]->query(host_, family_, [weak = weak_from_this(), server](const RawDnsAnswer& raw) {
    if (const auto self = weak.lock()) {
      self->onAnswer(server, raw);
    }
  });
}

void DnsLookup::onAnswer(std::size_t server, const RawDnsAnswer& raw) {
  if (done_) {
    return;
  }
  DnsFault fault;
  fault.ares_status = raw.ares_status;
  if (raw.bytes.empty()) {
    fault.status = statusWithoutAnswer(raw);
    onFailure(server, std::move(fault));
    return;
  }
  DnsReply reply = parseDnsReply(raw.bytes, host_, family_);
  if (!reply.failure) {
    finish(ResolvedAddresses{std::move(reply.addresses), reply.ttl_s, {}}, std::nullopt);
    return;
  }
  // A FORMERR without OPT comes from a server that does not know EDNS. c-ares
  // repeats one query of a channel plainly and then stops sending OPT, but
  // hands that FORMERR to the other queries in flight.
  Asked& asked = asked_[server];
  if (*reply.failure == DnsStatus::FormErr && !reply.edns && !asked.asked_without_edns) {
    asked.asked_without_edns = true;
    ask(server);
    return;
  }
  fault.status = *reply.failure;
  fault.rcode = reply.rcode;
  fault.ede_code = reply.ede_code;
  fault.ede_text = std::move(reply.ede_text);
  fault.cname_chain = std::move(reply.cname_chain);
  fault.cname_loop = reply.cname_loop;
  if (isFinal(fault.status)) {
    asked.failure = fault.status;
    asked.elapsed_ms = millisBetween(asked.at, EventLoop::now());
    finish(Failure{withServers(std::move(fault))}, reply.negative_ttl_s);
    return;
  }
  onFailure(server, std::move(fault));
}

void DnsLookup::onFailure(std::size_t server, DnsFault fault) {
  Asked& asked = asked_[server];
  asked.failure = fault.status;
  asked.elapsed_ms = millisBetween(asked.at, EventLoop::now());
  --pending_;
  const bool final = isFinal(fault.status);
  if (final || !best_ || informativeness(fault.status) > informativeness(best_->status)) {
    best_ = std::move(fault);
  }
  if (!final && asked_.size() < servers_.size()) {
    askNext();
  } else if (final || pending_ == 0) {
    finish(Failure{withServers(*best_)}, std::nullopt);
  }
}

void DnsLookup::finish(const FamilyAnswer& answer, std::optional<std::uint32_t> negative_ttl_s) {
  done_ = true;
  patience_.cancel();
  on_done_(answer, negative_ttl_s);
}

DnsFault DnsLookup::evidence() const {
  DnsFault fault = best_.value_or(DnsFault{});
  fault.status = DnsStatus::Timeout;
  return withServers(std::move(fault));
}

DnsFault DnsLookup::withServers(DnsFault fault) const {
  const TimePoint now = EventLoop::now();
  fault.host = host_;
  fault.elapsed_ms = millisBetween(started_, now);
  fault.servers.clear();
  for (std::size_t i = 0; i < asked_.size(); ++i) {
    const Asked& asked = asked_[i];
    fault.servers.push_back({servers_[i]->server(), family_ == AF_INET6 ? "AAAA" : "A",
                             asked.failure.value_or(DnsStatus::Timeout),
                             asked.failure ? asked.elapsed_ms : millisBetween(asked.at, now)});
  }
  return fault;
}

}  // namespace gatewhy
