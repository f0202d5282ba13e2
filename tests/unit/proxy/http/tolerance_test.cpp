// SPDX-License-Identifier: Apache-2.0
// strictness: report. What is mended, into what, and what is refused all the
// same. Every row is refused without it.
#include "proxy/http/tolerance.h"

#include "parse_runs.h"

namespace gatewhy::test {
namespace {

#define OK "HTTP/1.1 200 OK\r\n"
#define END "\r\n"

// Status, reason, framing, fields, what was mended.
std::string tolerantWords(const ResponseHead& head) {
  std::string words = inWords(head);
  for (const Field& field : head.fields) {
    words.append(" | ").append(head.name(field)).append("=").append(head.value(field));
  }
  for (const Finding finding : head.mended) {
    words.append(" !").append(name(finding));
  }
  return words;
}

Outcome parseTolerantly(std::string_view bytes) {
  ResponseParser parser{HeadLimits{}};
  parser.mendFaults(true);
  return sameForEverySplit(bytes, [&parser](const Pieces& pieces) {
    parser.reset();
    Outcome outcome = runHead(parser, pieces);
    outcome.result = outcome.status == ParseStatus::Done ? tolerantWords(parser.head()) : parser.head().bytes;
    return outcome;
  });
}

void expectMended(const std::vector<Acceptance>& rows) {
  for (const Acceptance& row : rows) {
    const Outcome outcome = parseTolerantly(row.bytes);
    EXPECT_EQ(outcome.status, ParseStatus::Done) << escaped(row.bytes) << "\n" << outcome;
    EXPECT_EQ(outcome.consumed, row.bytes.size()) << escaped(row.bytes);
    EXPECT_EQ(escaped(outcome.result), row.words) << escaped(row.bytes);
    EXPECT_EQ(parseResponse(row.bytes).status, ParseStatus::Error) << "enforce: " << escaped(row.bytes);
  }
}

TEST(Tolerance, FoldedFieldsBecomeOneLine) {
  expectMended({
      {OK "X: a\r\n b\r\n" END, "200 'OK' 1.1 until_close close | X=a   b !field_folded"},
      {OK "X: a \r\n\t b \r\n\t\tc\t\r\nContent-Length: 5\r\n" END,
       "200 'OK' 1.1 5 close | X=a   \\x09 b   \\x09\\x09c | Content-Length=5 !field_folded"},
      {OK "X:\r\n a\r\n" END, "200 'OK' 1.1 until_close close | X=a !field_folded"},
      {OK "X: a\r\n \r\n" END, "200 'OK' 1.1 until_close close | X=a !field_folded"},
      {OK "X:\r\n \r\nY: b\r\n" END, "200 'OK' 1.1 until_close close | X= | Y=b !field_folded"},
      {OK "Content-Security-Policy: default-src 'self';\r\n upgrade-insecure-requests; img-src https:\r\n" END,
       "200 'OK' 1.1 until_close close | Content-Security-Policy=default-src 'self';   upgrade-insecure-requests; "
       "img-src https: !field_folded"},
  });
}

TEST(Tolerance, SpaceBeforeTheColonIsLeftOut) {
  expectMended({
      {OK "X : a\r\n" END, "200 'OK' 1.1 until_close close | X=a !field_space_before_colon"},
      {OK "Server \t:\t a b \r\nContent-Length: 0\r\n" END,
       "200 'OK' 1.1 0 close | Server=a b | Content-Length=0 !field_space_before_colon"},
      {OK "X :\r\n" END, "200 'OK' 1.1 until_close close | X= !field_space_before_colon"},
  });
}

TEST(Tolerance, LinesThatAreNoFieldsAreLeftOut) {
  expectMended({
      {OK "Warning\r\nContent-Length: 5\r\n" END, "200 'OK' 1.1 5 close | Content-Length=5 !field_line_malformed"},
      {OK "<b>Notice</b>: x\r\n" END, "200 'OK' 1.1 until_close close !field_line_malformed"},
      {OK ": x\r\n" END, "200 'OK' 1.1 until_close close !field_line_malformed"},
      {OK "PHP Notice: x in y\r\nA: b\r\n" END, "200 'OK' 1.1 until_close close | A=b !field_line_malformed"},
      {OK "X: a\x01\r\nY: b\r\n" END, "200 'OK' 1.1 until_close close | Y=b !field_line_malformed"},
      {OK "X: a\x7f\r\n" END, "200 'OK' 1.1 until_close close !field_line_malformed"},
      {OK "a b\r\n and more\r\nY: b\r\n" END, "200 'OK' 1.1 until_close close | Y=b !field_line_malformed"},
      {OK "Y: b\r\na b\r\n and more: of it\r\n" END, "200 'OK' 1.1 until_close close | Y=b !field_line_malformed"},
  });
}

TEST(Tolerance, ALengthThatIsOnlyRepeatedIsOne) {
  expectMended({
      {OK "Content-Length: 5\r\nContent-Length: 5\r\n" END,
       "200 'OK' 1.1 5 close | Content-Length=5 | Content-Length=5 !content_length_repeated"},
      {OK "Content-Length: 5, 5\r\n" END, "200 'OK' 1.1 5 close | Content-Length=5, 5 !content_length_repeated"},
      {OK "Content-Length: 5,5\r\nA: b\r\nContent-Length: 5\r\n" END,
       "200 'OK' 1.1 5 close | Content-Length=5,5 | A=b | Content-Length=5 !content_length_repeated"},
  });
}

TEST(Tolerance, StartLines) {
  expectMended({
      {"HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n" END, "200 '' 1.1 0 close | Content-Length=0 !reason_malformed"},
      {"HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n" END,
       "600 'Odd' 1.1 0 close | Content-Length=0 !status_out_of_range"},
      {"HTTP/1.0 999\r\n" END, "999 '' 1.0 until_close close !status_out_of_range"},
  });
}

// « is where the fault is seen.
TEST(Tolerance, NothingThatFramesIsMended) {
  const std::vector<Refusal> rows = {
      {OK "Content-Length« : 5\r\n" END ""sv, E::FieldSpaceBeforeColon},
      {OK "Transfer-Encoding« : chunked\r\n" END ""sv, E::FieldSpaceBeforeColon},
      {OK "Connection« : close\r\n" END ""sv, E::FieldSpaceBeforeColon},
      {OK "X-Content-Length« : 5\r\n" END ""sv, E::FieldSpaceBeforeColon},
      {OK "X« : a\x01\r\n" END ""sv, E::FieldSpaceBeforeColon},
      {OK "Transfer-Encoding: chunked\r\n« \r\n" END ""sv, E::FieldFolded},
      {OK "Transfer-Encoding:\r\n« chunked\r\n" END ""sv, E::FieldFolded},
      {OK "Content-Length: 1\r\n« 0\r\n" END ""sv, E::FieldFolded},
      {OK "X: a\r\n« Transfer-Encoding: chunked\r\n" END ""sv, E::FieldFolded},
      {OK "X: a\r\n«\tcontent-length \t: 5\r\n" END ""sv, E::FieldFolded},
      {OK "X: a\r\n« \x01\r\n" END ""sv, E::FieldFolded},
      {OK "« X: a\r\n" END ""sv, E::FieldNameInvalid},
      {OK "Transfer-Encoding« chunked\r\n" END ""sv, E::FieldColonMissing},
      {OK "Transfer« -Encoding: chunked\r\n" END ""sv, E::FieldNameInvalid},
      {OK "Transfer«\x01-Encoding: chunked\r\n" END ""sv, E::FieldNameInvalid},
      {OK "«\x0b"
          "content-length: 5\r\n" END ""sv,
       E::FieldNameInvalid},
      {OK "Content« Length: 5\r\n" END ""sv, E::FieldNameInvalid},
      {OK "Content-Length: «\x01"
          "5\r\n" END ""sv,
       E::FieldValueInvalid},
      {OK "Upgrade: a«\x01\r\n" END ""sv, E::FieldValueInvalid},
      {OK "HTTP«/1.1 404 Not Found\r\n" END ""sv, E::FieldNameInvalid},
      {OK "x y\r\n« Transfer-Encoding: chunked\r\n" END ""sv, E::FieldNameInvalid},
      // Octets that end a line for somebody.
      {OK "X: a«\rY: b\r\n" END ""sv, E::BareCr},
      {OK "X: a«\0\r\n" END ""sv, E::Nul},
      {OK "X: a«\n" END ""sv, E::BareLf},
      {OK "a« b\rc: d\r\n" END ""sv, E::FieldNameInvalid},
      {OK "a« b\0c: d\r\n" END ""sv, E::FieldNameInvalid},
      {"HTTP/1.1 200 O«\rK\r\n" END ""sv, E::BareCr},
      {"HTTP/1.1 200 O«\x01\rK\r\n" END ""sv, E::ReasonInvalid},
      // Lengths.
      {OK "Content-Length: 5\r\nContent-Length: «6\r\n" END ""sv, E::ContentLengthDiffers},
      {OK "Content-Length: 5\r\nContent-Length: «05\r\n" END ""sv, E::ContentLengthDiffers},
      {OK "Content-Length: 5, «6\r\n" END ""sv, E::ContentLengthDiffers},
      {OK "Content-Length: 5,«\r\n" END ""sv, E::ContentLengthInvalid},
      {OK "Content-Length: «+5, +5\r\n" END ""sv, E::ContentLengthInvalid},
      {OK "Content-Length: 5\r\nTransfer-Encoding: «chunked\r\n" END ""sv, E::LengthAndCoding},
      {OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: «chunked\r\n" END ""sv, E::ChunkedNotLast},
      {OK "Connection: a« b\r\n" END ""sv, E::ConnectionInvalid},
      // Start lines.
      {"HTTP/1.1 «099 OK\r\n" END ""sv, E::StatusInvalid},
      {"HTTP/1.1 200«0 OK\r\n" END ""sv, E::StatusInvalid},
      {"HTTP/1.1 « 200 OK\r\n" END ""sv, E::StartLineWhitespace},
      // Interim responses: the next one could be read out of them.
      {"HTTP/1.1 103 Early Hints\r\nX: a\r\n« b\r\n" END ""sv, E::FieldFolded},
      {"HTTP/1.1 100 C«\x01\r\n" END ""sv, E::ReasonInvalid},
      {"HTTP/1.1 103\r\nx« y: z\r\n" END ""sv, E::FieldNameInvalid},
  };
  for (const Refusal& row : rows) {
    const Marked marked = unmark(row.bytes);
    const Outcome outcome = parseTolerantly(marked.bytes);
    expectRefused(outcome, marked, row.error);
    EXPECT_EQ(parseResponse(marked.bytes).status, ParseStatus::Error) << "enforce: " << escaped(marked.bytes);
  }
}

TEST(Tolerance, GoodHeadsAreNotTouched) {
  const Outcome outcome = parseTolerantly(OK "Date: x\r\nContent-Length: 5\r\nConnection: keep-alive\r\n" END);
  EXPECT_EQ(outcome.result, "200 'OK' 1.1 5 keep | Date=x | Content-Length=5 | Connection=keep-alive");
}

}  // namespace
}  // namespace gatewhy::test
