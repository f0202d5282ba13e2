// SPDX-License-Identifier: Apache-2.0
// The certificates that scenarios call by name.
#pragma once

#include "daemon/demo/script_tls.h"
#include "tests/support/pki.h"

namespace gatewhy::test {

// Writes them into `directory` (ca.pem and clients.pem are the authorities that
// the daemon gets) and returns the files by name.
[[nodiscard]] TlsFiles writeScenarioPki(const PemDirectory& directory);

}  // namespace gatewhy::test
