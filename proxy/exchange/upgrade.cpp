// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/upgrade.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

namespace gatewhy {

bool forwardsUpgrade(const RequestHead& request) {
  if (!request.upgrade || request.body != BodyKind::None || request.count(FieldId::Upgrade) != 1) {
    return false;
  }
  const auto protocol = request.valueOf(FieldId::Upgrade);
  return !equalsIgnoreCase(protocol, "h2c") && protocol.find(',') == std::string_view::npos;
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

std::optional<DecisionFault> judgeSwitch(const RequestHead& request, bool upgrade_forwarded,
                                         const ResponseHead& response) {
  if (!upgrade_forwarded) {
    return DecisionFault{.cause = Cause::UpgradeUnsolicited, .detail = {}, .size = {}, .limit = {}};
  }
  const auto invalid = [](std::string detail) {
    return DecisionFault{.cause = Cause::UpgradeInvalid, .detail = std::move(detail), .size = {}, .limit = {}};
  };
  const auto asked = request.valueOf(FieldId::Upgrade);
  const auto given = response.valueOf(FieldId::Upgrade);
  if (!equalsIgnoreCase(asked, given)) {
    return invalid(fmt::format("asked for '{}', given '{}'", asked, given));
  }
  if (!response.upgrade) {
    return invalid("101 without Connection: upgrade");
  }
  const auto key = request.valueOf(FieldId::SecWebSocketKey);
  if (equalsIgnoreCase(asked, "websocket") && !key.empty() &&
      response.valueOf(FieldId::SecWebSocketAccept) != webSocketAccept(key)) {
    return invalid("Sec-WebSocket-Accept does not answer Sec-WebSocket-Key");
  }
  return std::nullopt;
}

}  // namespace gatewhy
