// SPDX-License-Identifier: Apache-2.0
#include "tests/support/scenario_pki.h"

#include <openssl/crypto.h>
#include <openssl/x509.h>

#include <chrono>

#include "tests/support/revocation.h"

namespace gatewhy::test {
namespace {

using std::chrono::hours;

class Writer {
 public:
  explicit Writer(const PemDirectory& directory) : directory_(directory) {}

  void identity(const std::string& name, std::initializer_list<const Identity*> chain) {
    files.identities[name] = {directory_.certificates(name + ".pem", chain),
                              directory_.key(name + ".key", **chain.begin())};
  }
  void authority(const std::string& name, const Identity& identity) {
    files.authorities[name] = directory_.certificates(name + ".pem", {&identity});
    static_cast<void>(directory_.key(name + ".key", identity));
  }
  void list(const std::string& name, const std::string& pem) { directory_.write(name, pem); }
  TlsFiles files;

 private:
  const PemDirectory& directory_;
};

constexpr CrlSpec kOldList{.last_update = -hours(48), .next_update = -hours(24)};

CertificateSpec leaf() {
  CertificateSpec spec;
  spec.common_name = "origin.test";
  spec.dns_names = {"origin.test", "shop.example"};
  return spec;
}

// Lists by name below ${PKI}, and what the origin staples: about the certificates `default` and `revoked`.
void writeRevocations(Writer& writer, const Identity& root, const Identity& good) {
  const Identity revoked = signedBy(root, leaf());
  writer.identity("revoked", {&revoked});
  writer.list("clean.crl", crlPem(root, {}));
  writer.list("revoked.crl", crlPem(root, {&revoked}));
  writer.list("expired.crl", crlPem(root, {&revoked}, kOldList));
  const Identity other = selfSigned(authority("gatewhy test elsewhere"));
  writer.list("elsewhere.crl", crlPem(other, {}));
  writer.files.staples["revoked"] = ocspResponse(revoked, root, root, {.status = OcspStatus::Revoked});
  writer.files.staples["unknown"] = ocspResponse(good, root, root, {.status = OcspStatus::Unknown});
  writer.files.staples["expired"] =
      ocspResponse(good, root, root, {.this_update = -hours(48), .next_update = -hours(24)});
  CertificateSpec demanding = leaf();
  demanding.must_staple = true;
  const Identity must_staple = signedBy(root, demanding);
  writer.identity("must-staple", {&must_staple});
}

void writeLeaves(Writer& writer, const Identity& root) {
  CertificateSpec spec = leaf();
  const Identity good = signedBy(root, spec);
  writer.identity("default", {&good});
  writeRevocations(writer, root, good);
  spec.not_before = -hours(24 * 30);
  spec.not_after = -hours(24);
  const Identity expired = signedBy(root, spec);
  writer.identity("expired", {&expired});
  // Of three months, most of which are over.
  for (const int days : {20, 5, 0}) {
    spec.not_before = -hours(24 * (90 - days));
    spec.not_after = hours(24 * days + 12);
    const Identity ending = signedBy(root, spec);
    writer.identity("ends-in-" + std::to_string(days) + "-days", {&ending});
  }
  spec.not_before = hours(24);
  spec.not_after = hours(48);
  const Identity early = signedBy(root, spec);
  writer.identity("not-yet-valid", {&early});
  spec = leaf();
  spec.dns_names = {"elsewhere.test"};
  const Identity elsewhere = signedBy(root, spec);
  writer.identity("wrong-name", {&elsewhere});
  spec = leaf();
  spec.usage = Usage::Client;
  const Identity client_only = signedBy(root, spec);
  writer.identity("wrong-usage", {&client_only});
  spec = leaf();
  spec.key = KeyType::Rsa1024;
  const Identity weak = signedBy(root, spec);
  writer.identity("weak", {&weak});
  const Identity alone = selfSigned(leaf());
  writer.identity("self-signed", {&alone});
}

// The last octet of a certificate belongs to its signature.
Identity withBrokenSignature(Identity identity) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(identity.certificate.get(), &der);
  der[size - 1] ^= 1;
  const unsigned char* from = der;
  identity.certificate.reset(d2i_X509(nullptr, &from, size));
  OPENSSL_free(der);
  return identity;
}

void writeChains(Writer& writer, const Identity& root) {
  const Identity intermediate = signedBy(root, authority("gatewhy test intermediate"));
  const Identity below = signedBy(intermediate, leaf());
  writer.identity("no-intermediate", {&below});
  CertificateSpec no_authority = leaf();
  no_authority.common_name = "no authority";
  const Identity impostor = signedBy(root, no_authority);
  const Identity forged = signedBy(impostor, leaf());
  writer.identity("invalid-chain", {&forged, &impostor});
  const Identity spoilt = withBrokenSignature(signedBy(root, leaf()));
  writer.identity("bad-signature", {&spoilt});
  const Identity stranger = selfSigned(authority("gatewhy test stranger"));
  const Identity strange = signedBy(stranger, leaf());
  writer.identity("untrusted", {&strange, &stranger});
}

void writeClients(Writer& writer) {
  const Identity clients = selfSigned(authority("gatewhy test clients"));
  writer.authority("clients", clients);
  CertificateSpec spec;
  spec.common_name = "client.test";
  spec.usage = Usage::Client;
  const Identity client = signedBy(clients, spec);
  writer.identity("client", {&client});
  const Identity revoked = signedBy(clients, spec);
  writer.identity("client-revoked", {&revoked});
  writer.list("clients-clean.crl", crlPem(clients, {}));
  writer.list("clients-revoked.crl", crlPem(clients, {&revoked}));
  writer.list("clients-expired.crl", crlPem(clients, {&revoked}, kOldList));
  const Identity stranger = selfSigned(spec);
  writer.identity("client-stranger", {&stranger});
}

}  // namespace

TlsFiles writeScenarioPki(const PemDirectory& directory) {
  Writer writer(directory);
  const Identity root = selfSigned(authority("gatewhy test root"));
  writer.authority("ca", root);
  writeLeaves(writer, root);
  writeChains(writer, root);
  writeClients(writer);
  return writer.files;
}

}  // namespace gatewhy::test
