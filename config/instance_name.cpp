// SPDX-License-Identifier: Apache-2.0
#include "config/instance_name.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "config/config.h"

namespace gatewhy {

std::string instanceName(std::string_view machine_id, std::string_view config_path, std::string_view first_listener) {
  std::string message(config_path);
  message += '\0';
  message += first_listener;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), machine_id.data(), static_cast<int>(machine_id.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(), &size);
  return fmt::format("gatewhy-{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3]);
}

std::string machineId() {
  constexpr std::size_t kDigits = 32;
  for (const char* path : {"/etc/machine-id", "/var/lib/dbus/machine-id"}) {
    std::ifstream file(path);
    std::string id;
    // "uninitialized": systemd's word in an image before its first boot.
    if (std::getline(file, id) && id.size() == kDigits) {
      return id;
    }
  }
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string defaultInstanceName(const Config& config) {
  std::error_code error;
  const auto absolute = std::filesystem::weakly_canonical(config.source, error);
  return instanceName(machineId(), error ? config.source : absolute.string(),
                      config.listeners.empty() ? "" : config.listeners.front().address);
}

}  // namespace gatewhy
