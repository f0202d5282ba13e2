// SPDX-License-Identifier: Apache-2.0
// A response head and what follows it, as the answer to GET and to HEAD, and
// with faults mended.
#include "promises.h"
#include "proxy/http/tolerance.h"

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

// What a proxy writes of a head: fields from parsed values, framing anew.
std::string writtenAnew(const ResponseHead& head) {
  std::string out = "HTTP/1.1 " + std::to_string(head.status > 599 ? 599 : head.status) + " ";
  out.append(head.reason()).append("\r\n");
  for (const Field& field : head.fields) {
    if (!framesMessage(field.id)) {
      out.append(head.name(field)).append(": ").append(head.value(field)).append("\r\n");
    }
  }
  return out + "Content-Length: 0\r\n\r\n";
}

// strictness: report. What is mended is written so that nobody can read more
// fields in it than were meant, and a body has one length for all.
void mendAnswer(std::string_view bytes) {
  ResponseParser parser{HeadLimits{}};
  parser.mendFaults(true);
  const HeadOutcome outcome = requireSameForEverySplit(parser, bytes);
  if (outcome.status != ParseStatus::Done) {
    return;
  }
  const ResponseHead& head = parser.head();
  requireCleanHead(head);
  ResponseParser strict{HeadLimits{}};
  const bool mended = strict.feed(bytes).status != ParseStatus::Done;
  require(mended == !head.mended.empty(), "what is mended is said, and nothing else");
  require(!mended || !head.keep_alive, "a connection that needed mending is not used again");
  require(head.status >= 200 || !mended, "interim heads are not mended");
  const std::string written = writtenAnew(head);
  strict.reset();
  require(strict.feed(written).status == ParseStatus::Done, "what was mended is strict when written");
  std::size_t next = 0;
  for (const Field& field : head.fields) {
    if (!framesMessage(field.id)) {
      const Field& again = strict.head().fields[next++];
      require(strict.head().name(again) == head.name(field), "names stay");
      require(strict.head().value(again) == head.value(field), "values stay");
    }
  }
  require(next + 1 == strict.head().fields.size(), "as many fields, and the length");
  const std::string_view rest = bytes.substr(outcome.consumed);
  const BodyOutcome body = requireSameBodyForEverySplit(head.body, head.content_length, {}, rest);
  for (const Reading& peer :
       {readWithLlhttp(MessageType::Response, bytes, false), readWithBeast(MessageType::Response, bytes, false)}) {
    requireSameFraming(head, body, outcome.consumed, peer);
  }
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
  mendAnswer(bytes);
  return 0;
}
