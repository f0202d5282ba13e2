// SPDX-License-Identifier: Apache-2.0
// The head of the question to a login service, as Traefik's ForwardAuth and
// nginx's auth_request have it: X-Forwarded-Method, -Proto, -Host, -Uri and
// -For say what is asked about.
#pragma once

#include "proxy/exchange/login_request.h"

namespace gatewhy {

// GET of auth.forward.url, with the client's fields that the route lists.
[[nodiscard]] RequestHead loginQuestionHead(const LoginQuestion& question);
// What is set and removed on its way (forward_head.h).
[[nodiscard]] HeaderEdits loginQuestionEdits(const LoginQuestion& question);
// The fields of the answer that are the origin's to know.
[[nodiscard]] LoginFields loginFields(const ForwardAuthConfig& config, const ResponseHead& answer);

}  // namespace gatewhy
