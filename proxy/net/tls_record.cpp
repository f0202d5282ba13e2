// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/tls_record.h"

#include <openssl/bio.h>

#include <algorithm>
#include <cassert>
#include <memory>
#include <string_view>

#include "proxy/net/x509_facts.h"

namespace gatewhy {
namespace {

constexpr std::size_t kMaxFirstBytes = 32;
constexpr std::size_t kMaxProblems = 32;
constexpr std::size_t kRecordHeader = 5;

void freeRecord(void* /*parent*/, void* record, CRYPTO_EX_DATA* /*data*/, int /*index*/, long /*argl*/,
                void* /*argp*/) {
  delete static_cast<TlsRecord*>(record);
}

int recordIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, freeRecord);
  return index;
}

std::string messageName(std::uint8_t type) {
  switch (type) {
    case SSL3_MT_HELLO_REQUEST:
      return "HelloRequest";
    case SSL3_MT_CLIENT_HELLO:
      return "ClientHello";
    case SSL3_MT_SERVER_HELLO:
      return "ServerHello";
    case SSL3_MT_NEWSESSION_TICKET:
      return "NewSessionTicket";
    case SSL3_MT_ENCRYPTED_EXTENSIONS:
      return "EncryptedExtensions";
    case SSL3_MT_CERTIFICATE:
      return "Certificate";
    case SSL3_MT_SERVER_KEY_EXCHANGE:
      return "ServerKeyExchange";
    case SSL3_MT_CERTIFICATE_REQUEST:
      return "CertificateRequest";
    case SSL3_MT_SERVER_DONE:
      return "ServerHelloDone";
    case SSL3_MT_CERTIFICATE_VERIFY:
      return "CertificateVerify";
    case SSL3_MT_CLIENT_KEY_EXCHANGE:
      return "ClientKeyExchange";
    case SSL3_MT_FINISHED:
      return "Finished";
    case SSL3_MT_CERTIFICATE_STATUS:
      return "CertificateStatus";
    case SSL3_MT_KEY_UPDATE:
      return "KeyUpdate";
    default:
      return "message " + std::to_string(type);
  }
}

// Takes big-endian numbers off the front; "" and 0 once the bytes run out.
class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  std::string_view take(std::size_t size) {
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(out.size());
    return out;
  }
  std::size_t number(std::size_t size) {
    std::size_t out = 0;
    for (const char c : take(size)) {
      out = out << 8U | static_cast<std::uint8_t>(c);
    }
    return out;
  }

 private:
  std::string_view rest_;
};

// The protocol in a ServerHello (TLS 1.2) or in EncryptedExtensions, RFC 7301
// section 3.1. OpenSSL refuses one that we did not offer, but not by name.
std::string_view selectedProtocol(std::string_view message) {
  MessageReader in(message);
  const std::size_t type = in.number(1);
  in.take(3);
  if (type == SSL3_MT_SERVER_HELLO) {
    in.take(2 + SSL3_RANDOM_SIZE);
    in.take(in.number(1));  // session id
    in.take(2 + 1);         // cipher, compression
  }
  MessageReader extensions(in.take(in.number(2)));
  while (!extensions.empty()) {
    const std::size_t kind = extensions.number(2);
    MessageReader body(extensions.take(extensions.number(2)));
    if (kind == TLSEXT_TYPE_application_layer_protocol_negotiation) {
      body.take(2);
      return body.take(body.number(1));
    }
  }
  return {};
}

void onHeader(TlsRecord& record, const std::uint8_t* header) {
  const std::uint8_t type = header[0];
  const bool counted =
      type == SSL3_RT_HANDSHAKE || type == SSL3_RT_CHANGE_CIPHER_SPEC || type == SSL3_RT_APPLICATION_DATA;
  if (counted && header[1] == SSL3_VERSION_MAJOR) {
    record.record_bytes += kRecordHeader + (static_cast<std::size_t>(header[3]) << 8U | header[4]);
  }
}

void onMessage(int write_p, int /*version*/, int content_type, const void* data, std::size_t size, SSL* ssl,
               void* /*arg*/) {
  if (write_p != 0 || size == 0) {
    return;
  }
  TlsRecord& record = tlsRecordOf(ssl);
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  if (content_type == SSL3_RT_HEADER && size >= kRecordHeader) {
    onHeader(record, bytes);
  } else if (content_type == SSL3_RT_HANDSHAKE) {
    record.last_message = messageName(bytes[0]);
    record.server_hello_seen |= bytes[0] == SSL3_MT_SERVER_HELLO;
    record.certificate_requested |= bytes[0] == SSL3_MT_CERTIFICATE_REQUEST;
    if (bytes[0] == SSL3_MT_SERVER_HELLO || bytes[0] == SSL3_MT_ENCRYPTED_EXTENSIONS) {
      record.selected_protocol += selectedProtocol({static_cast<const char*>(data), size});
    }
  }
}

// On the socket BIO: the only place that sees what is no TLS at all.
long onBio(BIO* bio, int operation, const char* data, std::size_t /*size*/, int /*argi*/, long /*argl*/, int ret,
           std::size_t* processed) {
  if (ret <= 0 || processed == nullptr) {
    return ret;
  }
  auto& record = *reinterpret_cast<TlsRecord*>(BIO_get_callback_arg(bio));
  if (operation == (BIO_CB_READ | BIO_CB_RETURN)) {
    record.bytes_received += *processed;
    record.first_bytes.append(data, std::min(*processed, kMaxFirstBytes - record.first_bytes.size()));
  } else if (operation == (BIO_CB_WRITE | BIO_CB_RETURN)) {
    record.bytes_sent += *processed;
  }
  return ret;
}

int collectProblem(int ok, X509_STORE_CTX* store) {
  if (ok == 1) {
    return 1;
  }
  const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  std::vector<X509Problem>& problems = tlsRecordOf(ssl).problems;
  const int code = X509_STORE_CTX_get_error(store);
  const int depth = X509_STORE_CTX_get_error_depth(store);
  if (code == X509_V_ERR_UNABLE_TO_GET_CRL && depth > 0) {
    return 1;  // of authorities above the issuer lists are welcome, and `check` says which are missing
  }
  const bool known = std::any_of(problems.begin(), problems.end(),
                                 [&](const X509Problem& p) { return p.code == code && p.depth == depth; });
  if (!known && problems.size() < kMaxProblems) {
    problems.push_back(problemOf(X509_STORE_CTX_get_current_cert(store), code, depth));
    if (X509_CRL* list = X509_STORE_CTX_get0_current_crl(store); list != nullptr) {
      addRevocation(problems.back(), list, X509_STORE_CTX_get_current_cert(store));
    }
  }
  return 1;
}

}  // namespace

std::uint64_t TlsRecord::handshakeBytes() const noexcept {
  return std::min(bytes_received, record_bytes);
}

bool TlsRecord::mayBeTls() const noexcept {
  const auto byte = [this](std::size_t i) { return static_cast<std::uint8_t>(first_bytes[i]); };
  if (!first_bytes.empty() && (byte(0) < SSL3_RT_CHANGE_CIPHER_SPEC || byte(0) > SSL3_RT_APPLICATION_DATA)) {
    return false;
  }
  return first_bytes.size() < 2 || byte(1) == SSL3_VERSION_MAJOR;
}

bool attachTlsRecord(SSL* ssl) {
  auto record = std::make_unique<TlsRecord>();
  if (SSL_set_ex_data(ssl, recordIndex(), record.get()) != 1) {
    return false;
  }
  static_cast<void>(record.release());  // freeRecord's now
  SSL_set_msg_callback(ssl, onMessage);
  return true;
}

TlsRecord& tlsRecordOf(const SSL* ssl) noexcept {
  auto* record = static_cast<TlsRecord*>(SSL_get_ex_data(ssl, recordIndex()));
  assert(record != nullptr);
  return *record;
}

void startTlsTap(SSL* ssl) noexcept {
  BIO* socket = SSL_get_rbio(ssl);
  BIO_set_callback_arg(socket, reinterpret_cast<char*>(&tlsRecordOf(ssl)));
  BIO_set_callback_ex(socket, onBio);
}

void stopTlsTap(SSL* ssl) noexcept {
  BIO_set_callback_ex(SSL_get_rbio(ssl), nullptr);
  SSL_set_msg_callback(ssl, nullptr);
}

void recordChain(TlsRecord& record, const STACK_OF(X509) * sent, X509* leaf) {
  record.chain_length = sent == nullptr ? 0 : sk_X509_num(sent);
  if (record.chain_length > 0) {
    record.chain_last_issuer = nameText(X509_get_issuer_name(sk_X509_value(sent, record.chain_length - 1)));
  }
  record.names = alternativeNames(leaf);
}

void recordTlsInfo(const SSL* ssl, int where, int ret) {
  const auto alert = static_cast<int>(static_cast<unsigned>(ret) & 0xFFU);
  if ((where & SSL_CB_ALERT) == 0 || alert == SSL_AD_CLOSE_NOTIFY) {
    return;
  }
  TlsRecord& record = tlsRecordOf(ssl);
  const bool read = (where & SSL_CB_READ) != 0;
  (read ? record.alert_received : record.alert_sent) = alert;
}

int verifyAndRecord(X509_STORE_CTX* store, OnCertificateProblem then) {
  const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  TlsRecord& record = tlsRecordOf(ssl);
  X509_STORE_CTX_set_verify_cb(store, collectProblem);
  // <= 0 in spite of the callback: the verification itself could not be done.
  if (X509_verify_cert(store) <= 0 && record.problems.empty()) {
    const int error = X509_STORE_CTX_get_error(store);
    record.problems.push_back(
        problemOf(X509_STORE_CTX_get0_cert(store), error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error, 0));
  }
  if (record.problems.empty()) {
    return 1;
  }
  recordChain(record, X509_STORE_CTX_get0_untrusted(store), X509_STORE_CTX_get0_cert(store));
  // Chooses the alert, and is what SSL_get_verify_result() and a session
  // ticket remember.
  X509_STORE_CTX_set_error(store, record.problems.front().code);
  return then == OnCertificateProblem::Continue ? 1 : 0;
}

}  // namespace gatewhy
