// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <limits>

#include "peer.h"

namespace gatewhy::fuzz {
namespace {

namespace http = boost::beast::http;

template <typename Fields>
void copyFields(const Fields& fields, Reading& reading) {
  for (const auto& field : fields) {
    reading.fields.emplace_back(field.name_string().to_string(), field.value().to_string());
  }
}

template <bool kRequest>
void copyHead(const http::parser<kRequest, http::string_body>& parser, Reading& reading) {
  const auto& message = parser.get();
  if constexpr (kRequest) {
    reading.method = message.method_string().to_string();
    reading.target = message.target().to_string();
    reading.tunnel = message.method() == http::verb::connect;
  } else {
    reading.status = static_cast<std::uint16_t>(message.result_int());
  }
  reading.chunked = parser.chunked();
  if (!parser.is_done()) {
    copyFields(message, reading);
  }
}

// Always whole: a last chunk in pieces makes some releases of it abort.
template <bool kRequest>
Reading read(std::string_view bytes, bool bodiless) {
  Reading reading;
  http::parser<kRequest, http::string_body> parser;
  parser.eager(true);
  parser.header_limit(std::numeric_limits<std::uint32_t>::max());
  parser.body_limit(1U << 20U);  // it reserves what Content-Length promises
  if constexpr (!kRequest) {
    parser.skip(bodiless);
  }
  boost::beast::error_code error;
  std::size_t at = 0;
  while (at < bytes.size() && !parser.is_done()) {
    const std::size_t taken = parser.put(boost::asio::buffer(bytes.data() + at, bytes.size() - at), error);
    at += taken;
    if (error || taken == 0) {
      break;
    }
  }
  if (error == http::error::need_more) {
    error = {};
  }
  if (!error && parser.is_header_done() && !parser.is_done() && parser.need_eof()) {
    parser.put_eof(error);
  }
  reading.head_accepted = parser.is_header_done();
  reading.complete = parser.is_done();
  reading.refused = static_cast<bool>(error);
  reading.end = at;
  if (reading.head_accepted) {
    copyHead<kRequest>(parser, reading);
    reading.payload = parser.get().body();
  }
  return reading;
}

}  // namespace

Reading readWithBeast(MessageType type, std::string_view bytes, bool bodiless) {
  return type == MessageType::Request ? read<true>(bytes, bodiless) : read<false>(bytes, bodiless);
}

}  // namespace gatewhy::fuzz
