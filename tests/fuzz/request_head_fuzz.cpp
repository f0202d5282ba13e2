// SPDX-License-Identifier: Apache-2.0
// A request head and what follows it.
#include "promises.h"

namespace gatewhy::fuzz {
namespace {

void requireSaneTarget(const RequestHead& head) {
  require(isToken(head.methodToken()), "the method is a token");
  for (const char octet : head.target()) {
    require(octets::is(octet, octets::kTarget), "the target has no control octets");
  }
  require(head.method == Method::Connect || head.path().front() == '/' || head.path() == "*", "there is a path");
  require(head.version_minor == 0 || !head.host.empty(), "HTTP/1.1 has a host");
  require(head.authority().find_first_of("@, \t") == std::string_view::npos, "one host without user information");
}

void compare(const RequestHead& head, const BodyOutcome& body, std::size_t head_size, const Reading& peer) {
  if (peer.head_accepted) {
    require(peer.method == head.methodToken(), "the same method");
    require(peer.target == head.target(), "the same target");
  }
  requireSameFraming(head, body, head_size, peer);
}

}  // namespace
}  // namespace gatewhy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatewhy;
  using namespace gatewhy::fuzz;
  const std::string_view bytes = asText(data, size);
  RequestParser tight(kTightHead);
  requireSameForEverySplit(tight, bytes);
  RequestParser parser{HeadLimits{}};
  const HeadOutcome outcome = requireSameForEverySplit(parser, bytes);
  if (outcome.status != ParseStatus::Done) {
    return 0;
  }
  const RequestHead& head = parser.head();
  requireCleanHead(head);
  requireSaneTarget(head);
  require(head.body != BodyKind::UntilClose, "no request lasts until close");
  const std::string_view rest = bytes.substr(outcome.consumed);
  const BodyOutcome body = requireSameBodyForEverySplit(head.body, head.content_length, {}, rest);
  const Reading llhttp = readWithLlhttp(MessageType::Request, bytes, false);
  compare(head, body, outcome.consumed, llhttp);
  requireSameFields(head, llhttp);
  compare(head, body, outcome.consumed, readWithBeast(MessageType::Request, bytes, false));
  return 0;
}
