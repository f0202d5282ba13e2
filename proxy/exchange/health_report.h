// SPDX-License-Identifier: Apache-2.0
// What requests met is told to the origin's health, and what comes of that to
// the log. The pool's worker only.
#pragma once

#include <cstddef>
#include <string_view>

#include "diagnostics/diagnosis.h"
#include "proxy/exchange/worker_context.h"
#include "proxy/origin/origin_pool.h"

namespace gatewhy {

void reportSuccess(EventSink& sink, OriginPool& pool, std::size_t endpoint);
// `client`: its address, as the request's own or as a trusted proxy has it.
void reportFailure(EventSink& sink, OriginPool& pool, std::size_t endpoint, const Diagnosis& diagnosis,
                   std::string_view client);
// Ejections are ignored from now on, or count again: said where the pool has
// just found that.
void reportPanic(EventSink& sink, OriginPool& pool);

}  // namespace gatewhy
