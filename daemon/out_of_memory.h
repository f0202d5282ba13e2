// SPDX-License-Identifier: Apache-2.0
// The last word of a process that gets no memory: nothing that allocates can
// write it any more, so it is written in advance.
#pragma once

#include <string>

namespace gatewhy {

// From now on an allocation that fails writes one event to `destination` (to
// standard error where that is not a stream or a file) and aborts. Any thread.
void prepareForOutOfMemory(const std::string& destination);

}  // namespace gatewhy
