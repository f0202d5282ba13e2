// SPDX-License-Identifier: Apache-2.0
// The parameters of a query, as forms write them (application/x-www-form-urlencoded).
#pragma once

#include <string>
#include <string_view>

namespace gatewhy {

class QueryReader {
 public:
  explicit QueryReader(std::string_view query) : rest_(query) {}
  // False behind the last one.
  [[nodiscard]] bool next();
  [[nodiscard]] const std::string& name() const { return name_; }    // decoded
  [[nodiscard]] const std::string& value() const { return value_; }  // decoded; "" where there is no '='

 private:
  std::string_view rest_;
  std::string name_, value_;
};

}  // namespace gatewhy
