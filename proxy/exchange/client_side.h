// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "diagnostics/cause.h"
#include "proxy/net/client_identity.h"
#include "proxy/net/tls_context.h"

namespace gatewhy {

// What is known of the client for as long as its connection lives.
struct ClientFacts {
  std::string ip;                          // "" for a unix socket
  std::array<std::uint8_t, 16> address{};  // the same, v4-mapped; zeros for a unix socket
  std::uint16_t port = 0;
  bool trusted = false;  // in trusted_proxies
  bool tls = false;
  bool redirects_to_https = false;  // its listener's redirect_to_https
  std::string tls_server_name;      // SNI; "" = none
  CertificateIdentity identity;     // of its certificate, where it presented one
  std::optional<Cause> refused;     // accepted beyond a limit, to be told so
  bool wants_certificate = false, requires_certificate = false;
  ClientCertificateFacts certificate;
  // Whether the certificate that was served covers a host; set where the
  // client was asked for one, valid as long as its connection.
  std::function<bool(const std::string& host)> certificate_covers;
};

// How the client's connection goes on after an exchange.
enum class Disposition : std::uint8_t {
  KeepAlive,
  Close,  // lingering: what the client still sends is read and dropped, so that it can read the answer
  Reset,  // RST: the message must not look complete
  Drop,   // close without a byte (444), or the client is gone already
};

// The exchange's view of its client connection.
class ClientSide {
 public:
  [[nodiscard]] virtual const ClientFacts& facts() const = 0;
  // Queues response bytes; hold = more follow in this turn, flush() sends.
  virtual void send(std::string_view bytes, bool hold) = 0;
  // The same for `data` with `tail` behind it, which is to be sent now; large
  // data is not copied to get behind what is held.
  virtual void sendData(std::string_view data, std::string_view tail) = 0;
  virtual void flush() = 0;
  // A pipe whose content flush() sends behind what was queued before; to be
  // filled only while nothing blocks. Null where bytes have to be copied.
  [[nodiscard]] virtual SplicePipe* splicePipe() { return nullptr; }
  [[nodiscard]] virtual bool sendBlocked() const = 0;
  // The exchange takes request body (or tunnel) bytes again.
  virtual void resumeBody() = 0;
  virtual void openTunnel() = 0;
  virtual void shutdownWrite() = 0;
  [[nodiscard]] virtual bool halfClosed() const = 0;
  // It has sent FIN, and nothing of a later request is held here.
  [[nodiscard]] virtual bool lastRequest() const = 0;
  // Has what was sent arrived? nullopt: not known yet, onSettled() will tell.
  [[nodiscard]] virtual std::optional<bool> delivered() = 0;
  // Ends the exchange; it is buried before the next turn.
  virtual void finishExchange(Disposition disposition) = 0;

 protected:
  ~ClientSide() = default;
};

}  // namespace gatewhy
