// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/connector.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <iterator>
#include <optional>
#include <utility>

#include "proxy/net/dns_verdict.h"
#include "proxy/net/endpoint_name.h"
#include "proxy/net/tcp_race.h"
#include "proxy/net/tls_record.h"

namespace gatewhy {
namespace {

constexpr std::string_view kAlpnHttp2 = "h2";  // of ALPN

// How far an address got. A rule or a loop stopped it before anything was sent.
int distance(const AddressFailure& failure) {
  const auto* fault = std::get_if<ConnectFault>(&failure.observation.fault);
  const bool tried = fault == nullptr || fault->call != ConnectCall::Policy;
  return static_cast<int>(failure.observation.phase) * 2 + (tried ? 1 : 0);
}

void moveFurthestLast(std::vector<AddressFailure>& failures) {
  auto furthest = failures.begin();
  for (auto item = failures.begin(); item != failures.end(); ++item) {
    if (distance(*item) >= distance(*furthest)) {
      furthest = item;
    }
  }
  std::rotate(furthest, std::next(furthest), failures.end());
}

class StepConnector final : public Connector, private IoHandler, private TcpRace::Observer {
 public:
  StepConnector(EventLoop& loop, Resolver& resolver, const ConnectTarget& target, ConnectObserver& observer)
      : resolver_(resolver),
        target_(target),
        endpoint_(*target.endpoint),
        observer_(&observer),
        literal_(target.address ? target.address : literalAddress(endpoint_)),
        dns_(target.dns),
        race_(loop, {target.timeouts->connect, target.own_listeners, !literal_ || target.address}, *this),
        resolve_timer_(loop, [this] { onResolveTimer(); }),
        handshake_timer_(loop, [this] { onHandshakeTimer(); }),
        report_later_(loop, [this] { report(); }) {}

  void start() override {
    in_start_ = true;
    started_ = EventLoop::now();
    if (literal_) {
      race_.start(*literal_);
    } else if (endpoint_.scheme == EndpointScheme::Unix) {
      failWithLongPath();
    } else {
      resolve_timer_.arm(target_.timeouts->resolve);
      look_up_ = resolver_.resolve(lookUpName(endpoint_),
                                   [this](int family, FamilyAnswer answer) { onResolved(family, std::move(answer)); });
    }
    in_start_ = false;
  }

  void cancel() override { observer_ = nullptr; }

  Phase phase() const override {
    if (handshake_began_) {
      return Phase::TlsHandshake;
    }
    return literal_ || race_.hasBegun() ? Phase::Connect : Phase::Dns;
  }

  Timings timings() const override {
    const TimePoint now = EventLoop::now();
    Timings out;
    if (!literal_) {
      out.resolve = millisBetween(started_, race_.hasBegun() ? race_.began() : now);
    }
    if (race_.hasBegun()) {
      out.connect = millisBetween(race_.began(), connected_at_.value_or(now));
    }
    if (handshake_began_) {
      out.tls_handshake = millisBetween(*handshake_began_, now);
    }
    return out;
  }

  std::string peerAddress() const override {
    if (!peer_address_.empty()) {
      return peer_address_;
    }
    const Address* current = race_.current();
    return current != nullptr ? current->text() : "";
  }

 private:
  // ---- resolve

  void onResolved(int family, FamilyAnswer answer) {
    (family == AF_INET6 ? v6_answered_ : v4_answered_) = true;
    if (v6_answered_ && v4_answered_) {
      resolve_timer_.cancel();
    }
    std::vector<Address> addresses;
    if (answer.ok()) {
      noteFacts(answer->facts);
      for (const Address& address : answer->addresses) {
        if (const auto with_port = Address::fromIp(address.ip(), endpoint_.port)) {
          addresses.push_back(*with_port);
        }
      }
    } else {
      (family == AF_INET6 ? v6_fault_ : v4_fault_) = std::move(answer).error();
    }
    race_.addFamily(family, std::move(addresses));
  }

  // Of both families: a stale answer tells more than one that is not.
  void noteFacts(const DnsFacts& facts) {
    if (!facts.name.empty()) {
      dns_.name = facts.name;
    }
    if (facts.stale && !dns_.stale) {
      dns_.stale = facts.stale;
    }
  }

  void onResolveTimer() {
    look_up_.reset();
    if (!race_.hasAddresses()) {
      DnsFault fault = resolver_.partialEvidence(lookUpName(endpoint_));
      fault.status = DnsStatus::Timeout;
      fault.ares_status = 0;
      fault.limit_ms = static_cast<std::uint32_t>(target_.timeouts->resolve.count());
      fault.elapsed_ms = millisBetween(started_, EventLoop::now());
      (v6_answered_ ? v4_fault_ : v6_fault_) = std::move(fault);
    }
    // Having addresses of one family, the other one is not waited for.
    if (!v6_answered_) {
      race_.addFamily(AF_INET6, {});
    }
    if (!v4_answered_) {
      race_.addFamily(AF_INET, {});
    }
  }

  void failWithLongPath() {
    ConnectFault fault;
    fault.call = ConnectCall::Connect;
    fault.error = ENAMETOOLONG;
    fault.unix_socket = true;
    AddressFailure failure;
    failure.peer_address = "unix:" + endpoint_.unix_path;
    failure.observation.phase = Phase::Connect;
    failure.observation.fault = std::move(fault);
    conclude(std::move(failure));
  }

  // ---- connect

  void onRaceWon(TcpAttempt& winner) override {
    connected_at_ = EventLoop::now();
    look_up_.reset();
    resolve_timer_.cancel();
    peer_address_ = winner.address().text();
    if (!literal_ || target_.address) {
      resolver_.noteConnected(lookUpName(endpoint_), winner.address());
    }
    link_ = winner.takeLink();
    link_->watch.setHandler(this);
    readable_ = winner.readable();
    if (!target_.proxy_header.empty()) {
      link_->transport.writePreamble(target_.proxy_header);
    }
    if (endpoint_.scheme == EndpointScheme::Https) {
      beginHandshake();
    } else {
      conclude(std::nullopt);
    }
  }

  void onRaceLost() override {
    resolve_timer_.cancel();
    if (!race_.failures().empty()) {
      conclude(std::nullopt);
      return;
    }
    AddressFailure failure;
    failure.observation.phase = Phase::Dns;
    failure.observation.fault = dnsVerdict(v6_fault_, v4_fault_);
    failure.observation.elapsed_ms = millisBetween(started_, EventLoop::now());
    conclude(std::move(failure));
  }

  // ---- handshake

  void beginHandshake() {
    assert(target_.tls != nullptr);  // the owner makes a context for each https origin
    handshake_began_ = EventLoop::now();
    auto session = target_.tls->newSession(endpoint_.host, target_.http);
    if (!session.ok()) {
      failHandshake(std::move(session).error());
      return;
    }
    link_->transport.startTls(std::move(session).value(), readable_);
    handshake_timer_.arm(target_.timeouts->tls_handshake);
    continueHandshake();
  }

  void continueHandshake() {
    switch (link_->transport.handshake()) {
      case HandshakeStatus::WouldBlock:
        return;
      case HandshakeStatus::Done:
        // Tickets or an early close may have come with the last flight, and
        // their readiness is spent.
        readable_ = true;
        if (target_.http == EndpointHttp::Http2 && chosenProtocol() != kAlpnHttp2) {
          failAlpn();
        } else {
          conclude(std::nullopt);
        }
        return;
      case HandshakeStatus::Failed:
        failHandshake(link_->transport.handshakeFault());
        return;
    }
  }

  // By ALPN; "" = the peer chose none.
  [[nodiscard]] std::string_view chosenProtocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    if (link_->transport.tls()) {
      SSL_get0_alpn_selected(link_->transport.ssl(), &name, &size);
    }
    return {reinterpret_cast<const char*>(name), size};
  }

  void failAlpn() {
    TlsFault fault = link_->transport.handshakeFault();
    fault.failure = TlsFailure::Alpn;
    fault.alpn_offered = tlsRecordOf(link_->transport.ssl()).offered_protocols;
    fault.alpn_chosen = chosenProtocol();
    failHandshake(std::move(fault));
  }

  void onHandshakeTimer() {
    TlsFault fault = link_->transport.handshakeFault();
    fault.failure = TlsFailure::Timeout;
    fault.limit_ms = static_cast<std::uint32_t>(target_.timeouts->tls_handshake.count());
    fault.elapsed_ms = millisBetween(*handshake_began_, EventLoop::now());
    failHandshake(std::move(fault));
  }

  void failHandshake(TlsFault fault) {
    AddressFailure failure;
    failure.peer_address = peer_address_;
    failure.observation.phase = Phase::TlsHandshake;
    failure.observation.fault = std::move(fault);
    failure.observation.tcp = link_->transport.tcpInfo();
    failure.observation.elapsed_ms = millisBetween(*handshake_began_, EventLoop::now());
    failure.timings = timings();
    link_->watch.stop();  // the link itself goes with us: its watch may be what called
    link_->transport.close();
    failed_handshake_ = true;
    conclude(std::move(failure));
  }

  void onIo(bool readable, bool /*writable*/) override {
    if (concluded_) {
      readable_ = readable_ || readable;  // between success and its report
    } else {
      continueHandshake();
    }
  }

  // ---- the end

  void conclude(std::optional<AddressFailure> last) {
    concluded_ = true;
    handshake_timer_.cancel();
    final_timings_ = timings();
    if (last) {
      race_.failures().push_back(std::move(*last));
    }
    for (AddressFailure& failure : race_.failures()) {
      complete(failure);
    }
    if (in_start_) {
      report_later_.schedule();
    } else {
      report();
    }
  }

  void complete(AddressFailure& failure) const {
    failure.timings.resolve = final_timings_.resolve;
    Observation& seen = failure.observation;
    seen.connection.endpoint = endpoint_.url;
    seen.connection.peer_address = failure.peer_address;
    seen.connection.dns = dns_;
    seen.connection.tls = endpoint_.scheme == EndpointScheme::Https;
    if (seen.connection.tls && seen.phase == Phase::RequestWrite) {
      seen.phase = Phase::TlsHandshake;  // what was due when an accepted connection was reset
    }
  }

  // The last word: the observer may give us up.
  void report() {
    if (observer_ == nullptr) {
      return;
    }
    if (link_ == nullptr || failed_handshake_) {
      moveFurthestLast(race_.failures());
      observer_->onConnectFailed(std::move(race_.failures()));
      return;
    }
    link_->watch.setHandler(nullptr);
    if (endpoint_.unix_path.empty() && !target_.brief) {
      link_->transport.probeWhenSilent();
    }
    const bool http2 = endpoint_.scheme == EndpointScheme::Https ? chosenProtocol() == kAlpnHttp2
                                                                 : target_.http == EndpointHttp::Http2;
    observer_->onConnected({.link = std::move(link_),
                            .peer_address = peer_address_,
                            .dns = dns_,
                            .timings = final_timings_,
                            .failures = std::move(race_.failures()),
                            .http2 = http2,
                            .readable = readable_});
  }

  Resolver& resolver_;
  ConnectTarget target_;
  const EndpointConfig& endpoint_;
  ConnectObserver* observer_;  // null: cancelled
  std::optional<Address> literal_;
  TimePoint started_{};
  bool in_start_ = false;
  bool concluded_ = false;
  bool failed_handshake_ = false;
  bool readable_ = false;
  bool v6_answered_ = false, v4_answered_ = false;
  std::optional<DnsFault> v6_fault_, v4_fault_;
  std::optional<TimePoint> connected_at_, handshake_began_;
  Timings final_timings_;
  std::string peer_address_;  // the winner's
  DnsFacts dns_;
  std::unique_ptr<ResolveHandle> look_up_;
  TcpRace race_;
  std::unique_ptr<Link> link_;
  Deadline resolve_timer_;
  Deadline handshake_timer_;
  DeferredCall report_later_;
};

}  // namespace

std::unique_ptr<Connector> Connector::create(EventLoop& loop, Resolver& resolver, const ConnectTarget& target,
                                             ConnectObserver& observer) {
  return std::make_unique<StepConnector>(loop, resolver, target, observer);
}

}  // namespace gatewhy
