// SPDX-License-Identifier: Apache-2.0
// A running daemon's admin listener, asked from the command line.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/result.h"
#include "proxy/net/address.h"

namespace gatewhy {

// One HTTP answer of the admin listener.
struct AdminAnswer {
  std::uint16_t status = 0;
  std::string body;
};

// Blocking, one connection per request, each step bounded to a few seconds.
class AdminClient {
 public:
  // `address`: "127.0.0.1:9180", "[::1]:9180", "localhost:9180",
  // "unix:/run/gatewhy/admin.sock"; "http://" in front is accepted. The error
  // is a sentence.
  [[nodiscard]] static Result<AdminClient, std::string> create(std::string_view address);

  // `headers`: whole lines without their ends, "X-Gatewhy-Action: reload".
  [[nodiscard]] Result<AdminAnswer, std::string> request(std::string_view method, std::string_view target,
                                                         const std::vector<std::string>& headers = {}) const;
  // GET of JSON; anything but a 200 with JSON is an error.
  [[nodiscard]] Result<nlohmann::ordered_json, std::string> get(std::string_view target) const;
  [[nodiscard]] std::string text() const { return address_.text(); }

 private:
  explicit AdminClient(const Address& address) : address_(address) {}
  Address address_;
};

// The admin address to use: `given` where it is not empty, else the one in the
// configuration file, else the default where that file does not exist.
[[nodiscard]] Result<AdminClient, std::string> adminClient(const std::string& given, const std::string& config_file);

// A value for a query: everything but unreserved characters percent-encoded.
[[nodiscard]] std::string queryEncoded(std::string_view value);

}  // namespace gatewhy
