// SPDX-License-Identifier: Apache-2.0
// A response head and what follows it, as the answer to GET and to HEAD.
#include "promises.h"

namespace gatewhy::fuzz {
namespace {

void compareAnswer(std::string_view bytes, Method method) {
  ResponseParser parser{HeadLimits{}};
  parser.expect(method);
  const HeadOutcome outcome = requireSameForEverySplit(parser, bytes);
  if (outcome.status != ParseStatus::Done) {
    return;
  }
  const ResponseHead& head = parser.head();
  requireCleanHead(head);
  require(head.status >= 100 && head.status <= 599, "the status is one");
  const std::string_view rest = bytes.substr(outcome.consumed);
  const BodyOutcome body = requireSameBodyForEverySplit(head.body, head.content_length, {}, rest);
  const bool to_head = method == Method::Head;
  const Reading llhttp = readWithLlhttp(MessageType::Response, bytes, to_head);
  const Reading beast = readWithBeast(MessageType::Response, bytes, to_head);
  for (const Reading& peer : {llhttp, beast}) {
    require(!peer.head_accepted || peer.status == head.status, "the same status");
    requireSameFraming(head, body, outcome.consumed, peer);
  }
  requireSameFields(head, llhttp);
}

}  // namespace
}  // namespace gatewhy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatewhy;
  using namespace gatewhy::fuzz;
  const std::string_view bytes = asText(data, size);
  ResponseParser tight(kTightHead);
  requireSameForEverySplit(tight, bytes);
  compareAnswer(bytes, Method::Get);
  compareAnswer(bytes, Method::Head);
  return 0;
}
