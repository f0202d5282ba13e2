// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace gatewhy {

// `gatewhy schema`: the JSON Schema of the configuration, or of the log event.
[[nodiscard]] int runSchema(bool event);

}  // namespace gatewhy
