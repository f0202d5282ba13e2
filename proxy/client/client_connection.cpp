// SPDX-License-Identifier: Apache-2.0
#include "proxy/client/client_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "proxy/client/h1_client_session.h"
#include "proxy/client/h2_client_session.h"
#include "proxy/client/listener.h"
#include "proxy/exchange/client_address.h"
#include "proxy/exchange/exchange.h"
#include "proxy/exchange/rate_limiter.h"
#include "proxy/net/proxy_protocol.h"

namespace gatewhy {
namespace {

constexpr std::string_view kAlpnHttp2 = "h2";
constexpr std::size_t kFirstLine = 64;             // bytes that are looked at to tell HTTP/2 from HTTP/1
constexpr std::uint32_t kAnsweredBeyondLimit = 8;  // connections of one client
constexpr std::chrono::milliseconds kLingerTime{5000};
constexpr std::chrono::milliseconds kLingerTimeWhenShort{500};  // of memory
constexpr std::uint64_t kLingerBytes = 64UL * 1024 * 1024;      // read and dropped behind an answer that closes
constexpr int kLingerReads = 16;                                // in one turn
constexpr std::size_t kLingerRead = 16UL * 1024;

// Three words as on HTTP/1's request line, of which the last is no version: the
// session for HTTP/2 says best what is wrong with that.
bool isBrokenPreface(std::string_view begun) {
  const std::string_view line = begun.substr(0, begun.find("\r\n"));
  const std::size_t second = line.find(' ');
  const std::size_t third = line.rfind(' ');
  return line.size() < begun.size() && second != std::string_view::npos && third > second &&
         line.find(' ', second + 1) == third && !line.substr(third + 1).starts_with("HTTP/1");
}

}  // namespace

ClientConnection::ClientConnection(WorkerContext& worker, H1ClientStreams& streams, ConnectionOwner& owner,
                                   AcceptedClient accepted)
    : worker_(worker),
      streams_(streams),
      owner_(owner),
      tls_(std::move(accepted.tls)),
      http2_(accepted.http2),
      state_(accepted.proxy_protocol ? State::ProxyHeader
             : tls_                  ? State::Handshake
                                     : State::Session),
      link_{.transport = Transport(std::move(accepted.fd)), .watch = {}},
      output_(link_.transport, worker.pipes),
      clock_(worker.loop, [this] { onLate(); }),
      quota_(worker.loop.turnTime()) {
  facts_.ip = accepted.peer.ip();
  facts_.port = accepted.peer.port();
  facts_.address = accepted.peer.bytes();
  if (accepted.overloaded) {
    facts_.refused = Cause::ProxyOverloaded;
  }
  facts_.redirects_to_https = accepted.redirects_to_https;
  facts_.proxied = [this] { return proxied(); };
  facts_.trusted = isTrusted(accepted.peer, worker.generation->shared->config->trusted_proxies);
  proxy_sender_refused_ = accepted.proxy_senders != nullptr && !accepted.proxy_senders->empty() && !facts_.ip.empty() &&
                          !isTrusted(accepted.peer, *accepted.proxy_senders);
  worker_.counters.client_connections.fetch_add(1, std::memory_order_relaxed);
}

ClientConnection::~ClientConnection() {
  link_.watch.stop();
  worker_.counters.client_connections.fetch_sub(1, std::memory_order_relaxed);
}

void ClientConnection::start() {
  // Behind a balancer the header says who it is.
  if ((state_ != State::ProxyHeader && !countClient()) ||
      !link_.watch.start(worker_.loop, link_.transport.fd(), this)) {
    close();
    return;
  }
  clock_.await(ClientClock::Wait::Opening, worker_.generation->shared->config->limits.client_head_timeout);
  if (state_ == State::ProxyHeader) {
    if (proxy_sender_refused_) {
      refuseProxyHeader("proxy_protocol.from does not list " + facts_.ip);
      return;
    }
  } else {
    enter();
  }
  onSessionIdle();
}

void ClientConnection::onIo(bool readable, bool writable) {
  switch (state_) {
    case State::ProxyHeader:
      readProxyHeader();
      return;
    case State::Handshake:
      onSessionBusy();
      handshake_->onIo();
      return;
    case State::Preface:
      readPreface();
      return;
    case State::Session:
      session_->onIo(readable, writable);
      return;
    case State::Linger:
      onLingering(writable);
      return;
    case State::Closed:
      return;
  }
}

// ---- before HTTP ----------------------------------------------------------

// False: it is beyond what one client may have, and is to be closed unheard. A
// few are answered, so that whoever runs the client learns why.
bool ClientConnection::countClient() {
  const std::uint32_t limit = worker_.generation->shared->config->limits.connections_per_client;
  if (limit == 0 || facts_.trusted || facts_.ip.empty() || isLoopbackAddress(facts_.address)) {
    return true;
  }
  const std::uint64_t key = RateLimiter::keyOf(facts_.address);
  counted_ = worker_.counters.census.take(ClientCensus::Kind::Connection, key, limit);
  if (!counted_.held()) {
    counted_ = worker_.counters.census.take(ClientCensus::Kind::Connection, key, limit + kAnsweredBeyondLimit);
    facts_.refused = Cause::ClientConnectionLimit;
  }
  if (!counted_.held()) {
    worker_.floods.note(Flood::ConnectionsOfOne, facts_.ip);
  }
  return counted_.held();
}

void ClientConnection::readProxyHeader() {
  std::array<char, kProxyHeaderLimit> bytes{};
  // Peeked, so that not a byte of what follows is taken from TLS.
  const ssize_t size = ::recv(link_.transport.fd(), bytes.data(), bytes.size(), MSG_PEEK);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (size <= 0) {
    close();  // nobody spoke: a health check by connect and close
    return;
  }
  ProxyHeader header = parseProxyHeader({bytes.data(), static_cast<std::size_t>(size)});
  if (header.status == ProxyHeader::Status::NeedMore) {
    if (!link_.watch.peerClosed()) {
      return;
    }
    header.problem = "the connection ended inside the header";
  }
  if (header.status != ProxyHeader::Status::Done) {
    refuseProxyHeader(std::move(header.problem));
    return;
  }
  [[maybe_unused]] const auto taken = ::recv(link_.transport.fd(), bytes.data(), header.consumed, 0);
  if (header.source) {
    onProxyHeader(header);
    if (!countClient()) {
      close();
      return;
    }
  }
  enter();
  onIo(true, false);  // more may have come with it
}

// Who speaks HTTP is the source; the balancer only passed its bytes on.
void ClientConnection::onProxyHeader(const ProxyHeader& header) {
  const Address& source = *header.source;
  destination_ = header.destination;
  facts_.ip = source.ip();
  facts_.port = source.port();
  facts_.address = source.bytes();
  facts_.trusted = isTrusted(source, worker_.generation->shared->config->trusted_proxies);
}

// Who a trusted proxy speaks for is in the request's head; here it is the
// connection that counts, or what the balancer said in front of it.
const std::shared_ptr<ProxiedClient>& ClientConnection::proxied() {
  if (!proxied_) {
    ProxiedAddresses addresses;
    if (const auto source = Address::fromIp(facts_.ip, facts_.port)) {
      addresses.source = *source;
      addresses.destination = destination_ ? *destination_ : localAddress(link_.transport.fd()).unmapped();
    }
    proxied_ = std::make_shared<ProxiedClient>(addresses);
  }
  return proxied_;
}

void ClientConnection::enter() {
  if (tls_) {
    state_ = State::Handshake;
    HandshakeOwner& owner = *this;
    handshake_ = std::make_unique<ClientHandshake>(worker_, owner, *tls_, link_.transport, facts_);
  } else if (http2_.enabled) {
    state_ = State::Preface;
  } else {
    openHttp1();
  }
}

// RFC 9113 section 3.3. Only looked at: they are the session's.
void ClientConnection::readPreface() {
  std::array<char, kFirstLine> bytes{};
  const ssize_t size = ::recv(link_.transport.fd(), bytes.data(), bytes.size(), MSG_PEEK);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  const std::string_view begun(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  if (begun.starts_with(kH2Preface) || isBrokenPreface(begun)) {
    openHttp2();
  } else if (begun.empty() || begun != kH2Preface.substr(0, begun.size()) || link_.watch.peerClosed()) {
    openHttp1();
  } else {
    return;  // the rest is on its way
  }
  session_->onIo(true, false);
}

void ClientConnection::openHttp1() {
  state_ = State::Session;
  clock_.awaitInstead(ClientClock::Wait::Request);
  ClientSessionHost& host = *this;
  session_ = std::make_unique<H1ClientSession>(worker_, streams_, host, wire());
}

void ClientConnection::openHttp2() {
  state_ = State::Session;
  clock_.awaitInstead(ClientClock::Wait::Request);
  ClientSessionHost& host = *this;
  session_ = std::make_unique<H2ClientSession>(worker_, host, wire(), http2_);
}

void ClientConnection::onHandshakeDone() {
  worker_.loop.deferDelete(std::move(handshake_));
  onSessionIdle();
  if (facts_.tls_session.application == kAlpnHttp2) {
    openHttp2();
  } else {
    openHttp1();
  }
  session_->onIo(true, false);
}

void ClientConnection::onHandshakeFailed(std::optional<Fault> fault) {
  if (fault) {
    refuse(std::move(*fault));
  } else {
    close();
  }
}

void ClientConnection::onOpeningLate() {
  if (state_ == State::ProxyHeader) {
    refuseProxyHeader("no complete header in client_head_timeout");
  } else if (state_ == State::Preface) {
    close();  // it only connected, or stopped inside the preface
  } else {
    onHandshakeFailed(handshake_->onLate(clock_.waitedMs()));
  }
}

// It is answered over HTTP, whatever it spoke.
void ClientConnection::refuse(Fault fault) {
  openHttp1();
  static_cast<H1ClientSession&>(*session_).refuse(std::move(fault));
}

void ClientConnection::refuseProxyHeader(std::string detail) {
  refuse(DecisionFault{.cause = Cause::ClientProxyHeaderInvalid, .detail = std::move(detail), .size = {}, .limit = {}});
}

// ---- its session ------------------------------------------------------------

std::unique_ptr<ClientStreamHandler> ClientConnection::newExchange(ClientStream& client, const RequestHead& request) {
  return std::make_unique<Exchange>(worker_, client, request);
}

void ClientConnection::onSessionIdle() {
  worker_.idle.add(*this, worker_.loop.turnTime());
}

void ClientConnection::onSessionOver(Farewell farewell) {
  switch (farewell) {
    case Farewell::Linger:
      linger();
      return;
    case Farewell::Shut:
      link_.transport.shutdownWrite();
      close();
      return;
    case Farewell::Reset:
      link_.transport.resetOnClose();
      close();
      return;
    case Farewell::Close:
      close();
      return;
  }
}

void ClientConnection::onLate() {
  switch (clock_.awaits()) {
    case ClientClock::Wait::Nothing:
      return;
    case ClientClock::Wait::Opening:
      onOpeningLate();
      return;
    case ClientClock::Wait::Request:
    case ClientClock::Wait::Head:
    case ClientClock::Wait::Delivery:
      session_->onLate(clock_.awaits());
      return;
    case ClientClock::Wait::Goodbye:
      close();
      return;
  }
}

// Its place is wanted now: no lingering. What it may have on the way finds a
// closed connection, as after any idle time-out, and is sent again.
bool ClientConnection::giveWay() {
  char byte = 0;
  if (::recv(link_.transport.fd(), &byte, 1, MSG_PEEK) > 0) {
    return false;
  }
  link_.transport.shutdownWrite();
  close();
  return true;
}

void ClientConnection::drain(std::chrono::milliseconds grace) {
  if (state_ == State::Session) {
    session_->drain(grace);
  }
}

void ClientConnection::abortForDrain() {
  if (state_ == State::Session) {
    session_->abortForDrain();
  } else {
    close();
  }
}

bool ClientConnection::refuseSlowHead(std::chrono::milliseconds grace) {
  return state_ == State::Session && session_->refuseSlowHead(grace);
}

void ClientConnection::resumeAfterShortage() {
  if (state_ == State::Session) {
    session_->resumeAfterShortage();
  }
}

// ---- the end ----------------------------------------------------------------

// Closing with unread bytes would send RST and could take the answer away from
// the client (RFC 9112 section 9.6): shut our side, read what still comes.
void ClientConnection::linger() {
  onSessionBusy();
  state_ = State::Linger;
  link_.transport.shutdownWrite();
  clock_.await(ClientClock::Wait::Goodbye, worker_.memory.isShort() ? kLingerTimeWhenShort : kLingerTime);
  link_.watch.kick();
}

void ClientConnection::onLingering(bool writable) {
  if (output_.broken() || (writable && output_.flush() == SocketOutput::Step::Broke)) {
    close();
    return;
  }
  for (int reads = 0; reads < kLingerReads; ++reads) {
    const auto buffer = worker_.loop.readBuffer();
    const IoResult got = link_.transport.read(buffer.data(), std::min(buffer.size(), kLingerRead));
    if (got.status == IoStatus::WouldBlock) {
      return;
    }
    lingered_ += got.size;
    if (got.status == IoStatus::Ended || lingered_ > kLingerBytes) {
      close();
      return;
    }
  }
  link_.watch.kick();
}

void ClientConnection::close() {
  if (state_ == State::Closed) {
    return;
  }
  state_ = State::Closed;
  onSessionBusy();
  if (handshake_) {
    handshake_->leave();
  }
  counted_.release();
  clock_.stop();
  link_.watch.stop();
  link_.transport.close();
  if (session_) {
    session_->close();
  }
  owner_.onConnectionClosed(*this);  // the last word: we are buried
}

}  // namespace gatewhy
