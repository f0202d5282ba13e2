// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/trailer_fields.h"

#include <algorithm>

#include "proxy/http/message.h"

namespace gatewhy {
namespace {

constexpr std::string_view kRefused[] = {
    "Connection", "Content-Encoding",  "Content-Length", "Content-Range",    "Content-Type", "Expect",
    "Host",       "Keep-Alive",        "Max-Forwards",   "Proxy-Connection", "TE",           "Trailer",
    "Upgrade",    "Transfer-Encoding",
};

constexpr std::string_view kDropped[] = {
    "Accept",
    "Age",
    "Authorization",
    "Cache-Control",
    "CDN-Loop",
    "Cookie",
    "Date",
    "Expires",
    "Forwarded",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Location",
    "Pragma",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Range",
    "Retry-After",
    "Set-Cookie",
    "Vary",
    "Via",
    "Warning",
    "WWW-Authenticate",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
};

}  // namespace

TrailerUse trailerUse(std::string_view name) noexcept {
  const auto is_name = [name](std::string_view row) { return equalsIgnoreCase(row, name); };
  if (std::any_of(std::begin(kRefused), std::end(kRefused), is_name)) {
    return TrailerUse::Refuse;
  }
  return std::any_of(std::begin(kDropped), std::end(kDropped), is_name) ? TrailerUse::Drop : TrailerUse::Keep;
}

}  // namespace gatewhy
