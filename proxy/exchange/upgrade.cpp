// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/upgrade.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>

namespace gatewhy {
namespace {

constexpr std::uint16_t kSwitched = 101;

}  // namespace

bool forwardsUpgrade(const RequestHead& request) {
  if (!request.upgrade || request.body != BodyKind::None || request.count(FieldId::Upgrade) != 1) {
    return false;
  }
  const auto protocol = request.valueOf(FieldId::Upgrade);
  return !equalsIgnoreCase(protocol, "h2c") && protocol.find(',') == std::string_view::npos;
}

std::string webSocketKey() {
  std::array<unsigned char, 16> nonce{};
  RAND_bytes(nonce.data(), static_cast<int>(nonce.size()));
  std::array<unsigned char, 25> text{};
  const int length = EVP_EncodeBlock(text.data(), nonce.data(), static_cast<int>(nonce.size()));
  return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(length)};
}

std::string webSocketAccept(std::string_view key) {
  std::string input(key);
  input += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(input.data(), input.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::array<unsigned char, 64> text{};
  const int length = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(size));
  return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(length)};
}

std::optional<UpgradeFault> judgeSwitch(const RequestHead& request, bool upgrade_forwarded,
                                        const ResponseHead& response) {
  const auto given = response.valueOf(FieldId::Upgrade);
  const auto broken = [given](UpgradeRule rule) { return UpgradeFault{.rule = rule, .given = std::string(given)}; };
  if (response.status != kSwitched) {
    return broken(UpgradeRule::NotSwitched);
  }
  if (!upgrade_forwarded) {
    return broken(UpgradeRule::Unsolicited);
  }
  if (given.empty()) {
    return broken(UpgradeRule::UpgradeMissing);
  }
  const auto asked = request.valueOf(FieldId::Upgrade);
  if (!equalsIgnoreCase(asked, given)) {
    return broken(UpgradeRule::OtherProtocol);
  }
  if (!response.upgrade) {
    return broken(UpgradeRule::ConnectionMissing);
  }
  const auto key = request.valueOf(FieldId::SecWebSocketKey);
  if (!equalsIgnoreCase(asked, "websocket") || key.empty()) {
    return std::nullopt;
  }
  const auto accept = response.valueOf(FieldId::SecWebSocketAccept);
  if (accept.empty()) {
    return broken(UpgradeRule::AcceptMissing);
  }
  return accept == webSocketAccept(key) ? std::nullopt : std::optional(broken(UpgradeRule::AcceptDiffers));
}

}  // namespace gatewhy
