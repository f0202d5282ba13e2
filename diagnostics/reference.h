// SPDX-License-Identifier: Apache-2.0
// Reference documents made from the tables of causes, status codes and
// findings. A unit test compares them with the files; `make docs` writes the
// files.
#pragma once

#include <string>

namespace gatewhy {

[[nodiscard]] std::string causesMarkdown();    // docs/causes.md
[[nodiscard]] std::string statusesMarkdown();  // docs/status-codes.md
[[nodiscard]] std::string causesManPage();     // docs/man/gatewhy-causes.7
[[nodiscard]] std::string statusesManPage();   // docs/man/gatewhy-status-codes.7
[[nodiscard]] std::string findingsManPage();   // docs/man/gatewhy-findings.7
[[nodiscard]] std::string journalCatalogue();  // systemd/gatewhy.catalog

}  // namespace gatewhy
