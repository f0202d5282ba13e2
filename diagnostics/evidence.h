// SPDX-License-Identifier: Apache-2.0
// An observation as the flat evidence object of events and problem documents.
#pragma once

#include <span>

#include "diagnostics/diagnosis.h"
#include "diagnostics/json_writer.h"

namespace gatewhy {

// Writes one object with the keys of evidence_keys.def. A fact that is not
// known, or that does not apply, has no key. `later`: what came after the
// diagnosis, where it is known by now.
void writeEvidence(JsonWriter& json, const Diagnosis& diagnosis, std::span<const Symptom> later = {});

// Of several certificate errors the one that decided the cause; null without
// any. Points into `diagnosis`.
[[nodiscard]] const X509Problem* decisiveProblem(const Diagnosis& diagnosis);

}  // namespace gatewhy
