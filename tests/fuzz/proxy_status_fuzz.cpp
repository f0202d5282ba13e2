// SPDX-License-Identifier: Apache-2.0
// Proxy-Status as an origin may send it: what is read of it is bounded, and
// written out again reads the same.
#include <fmt/format.h>

#include "diagnostics/received_proxy_status.h"
#include "require.h"

namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
  }
  return out + '"';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatewhy;
  using namespace gatewhy::fuzz;
  const auto said = readProxyStatus(asText(data, size));
  if (!said) {
    return 0;
  }
  require(said->name.size() <= 512 && said->error.size() <= 512 && said->details.size() <= 512, "texts are bounded");
  require(said->received_status == 0 || (said->received_status >= 100 && said->received_status <= 999),
          "a status has three digits");
  const std::string again =
      fmt::format("{}{}{};details={}", quoted(said->name), said->error.empty() ? "" : ";error=" + said->error,
                  said->received_status == 0 ? "" : fmt::format(";received-status={}", said->received_status),
                  quoted(said->details));
  const auto read = readProxyStatus(again);
  require(read && read->name == said->name && read->error == said->error && read->details == said->details &&
              read->received_status == said->received_status,
          "what was read is a Proxy-Status itself");
  return 0;
}
