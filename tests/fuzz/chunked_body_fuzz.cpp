// SPDX-License-Identifier: Apache-2.0
// A chunked body, its trailers and what follows them.
#include "promises.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatewhy;
  using namespace gatewhy::fuzz;
  const std::string_view bytes = asText(data, size);
  requireSameBodyForEverySplit(BodyKind::Chunked, 0, kTightBody, bytes);
  const BodyOutcome body = requireSameBodyForEverySplit(BodyKind::Chunked, 0, {}, bytes);

  RequestParser parser{HeadLimits{}};
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  require(parser.feed(head).status == ParseStatus::Done, "the head is good");
  const std::string message = head + std::string(bytes);
  requireSameFraming(parser.head(), body, head.size(), readWithLlhttp(MessageType::Request, message, false));
  requireSameFraming(parser.head(), body, head.size(), readWithBeast(MessageType::Request, message, false));
  return 0;
}
