// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/reason_phrase.h"

#include "diagnostics/status_registry.h"

namespace gatewhy {

std::string_view reasonPhrase(std::uint16_t status) noexcept {
  const StatusMeaning* meaning = ownMeaning(status);
  return meaning == nullptr || meaning->standing == Standing::Reserved ? std::string_view() : meaning->name;
}

}  // namespace gatewhy
