// SPDX-License-Identifier: Apache-2.0
// The heads that the micro-benchmarks work on.
#pragma once

#include <string_view>

namespace gatewhy {

inline constexpr std::string_view kBrowserRequest =
    "GET /shop/items?category=books&page=3 HTTP/1.1\r\n"
    "Host: shop.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Referer: https://shop.example.com/\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Cache-Control: max-age=0\r\n"
    "\r\n";

inline constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Date: Mon, 06 Jan 2025 10:00:00 GMT\r\n"
    "Server: origin\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Length: 1024\r\n"
    "Cache-Control: no-cache\r\n"
    "ETag: \"0123456789\"\r\n"
    "Vary: Accept-Encoding\r\n"
    "\r\n";

}  // namespace gatewhy
