// SPDX-License-Identifier: Apache-2.0
#include "parse_runs.h"

namespace gatewhy::test {
namespace {

Outcome runBody(BodyKind kind, std::uint64_t length, const BodyLimits& limits, const Pieces& pieces) {
  BodyDecoder decoder;
  decoder.start(kind, length, limits);
  Outcome outcome;
  outcome.status = decoder.done() ? ParseStatus::Done : ParseStatus::NeedMore;
  std::string payload;
  for (const std::string_view piece : pieces) {
    const std::vector<char> exact(piece.begin(), piece.end());
    std::string_view left(exact.data(), exact.size());
    while (!left.empty() && outcome.status == ParseStatus::NeedMore) {
      const BodyDecoder::Step step = decoder.feed(left);
      EXPECT_TRUE(step.consumed > 0);
      EXPECT_TRUE(step.data.empty() ||
                  (step.data.data() >= exact.data() && step.data.end() <= exact.data() + exact.size()));
      payload.append(step.data);
      outcome.status = step.status;
      outcome.consumed += step.consumed;
      left.remove_prefix(step.consumed);
    }
  }
  EXPECT_EQ(decoder.received(), payload.size());
  setFault(outcome, decoder.fault());
  outcome.result = payload + "|" + decoder.trailers();
  return outcome;
}

Outcome parseBody(BodyKind kind, std::string_view bytes, std::uint64_t length = 0, const BodyLimits& limits = {}) {
  return sameForEverySplit(bytes, [&](const Pieces& pieces) { return runBody(kind, length, limits, pieces); });
}

Outcome parseChunked(std::string_view bytes, const BodyLimits& limits = {}) {
  return parseBody(BodyKind::Chunked, bytes, 0, limits);
}

// Payload that goes past the decoder counts like payload that it was fed.
TEST(Body, SkippedPayloadCounts) {
  BodyDecoder decoder;
  decoder.start(BodyKind::Length, 10);
  EXPECT_EQ(decoder.ahead(), 10U);
  EXPECT_EQ(decoder.feed("abc").data, "abc");
  EXPECT_EQ(decoder.ahead(), 7U);
  decoder.skip(5);
  EXPECT_EQ(decoder.received(), 8U);
  EXPECT_EQ(decoder.ahead(), 2U);
  EXPECT_FALSE(decoder.done());
  const BodyDecoder::Step last = decoder.feed("yzGET / ");
  EXPECT_EQ(last.data, "yz");
  EXPECT_EQ(last.consumed, 2U);
  EXPECT_TRUE(decoder.done());
  EXPECT_EQ(decoder.ahead(), 0U);
  decoder.start(BodyKind::Length, 4);
  decoder.skip(4);
  EXPECT_TRUE(decoder.done());
  EXPECT_EQ(decoder.received(), 4U);
  for (const BodyKind kind : {BodyKind::None, BodyKind::Chunked, BodyKind::UntilClose}) {
    decoder.start(kind, 0);
    EXPECT_EQ(decoder.ahead(), 0U) << "nobody knows how much may be skipped";
  }
}

TEST(Chunked, Accepted) {
  const std::vector<Acceptance> rows{
      {"0\r\n\r\n"sv, "|"},
      {"000\r\n\r\n"sv, "|"},
      {"5\r\nhello\r\n0\r\n\r\n"sv, "hello|"},
      {"05\r\nhello\r\n0\r\n\r\n"sv, "hello|"},
      {"0000000000000000000000005\r\nhello\r\n0\r\n\r\n"sv, "hello|"},
      {"a\r\n0123456789\r\n0\r\n\r\n"sv, "0123456789|"},
      {"A\r\n0123456789\r\n0\r\n\r\n"sv, "0123456789|"},
      {"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"sv, "abc|"},
      {"2\r\n\r\n\r\n0\r\n\r\n"sv, "\r\n|"},
      {"5\r\n0\r\n\r\n\r\n0\r\n\r\n"sv, "0\r\n\r\n|"},
      {"1;a\r\nx\r\n0\r\n\r\n"sv, "x|"},
      {"1;a=b\r\nx\r\n0;c\r\n\r\n"sv, "x|"},
      {"1;a=\"b;,= \\\"\t\xe9\"\r\nx\r\n0\r\n\r\n"sv, "x|"},
      {"1;a=\"\"\r\nx\r\n0\r\n\r\n"sv, "x|"},
      {"1;a;b;c=d\r\nx\r\n0\r\n\r\n"sv, "x|"},
      {"1 ; a = b ; c\t=\t\"d\" ;e\r\nx\r\n0\r\n\r\n"sv, "x|"},
      {"0\r\nA: b\r\n\r\n"sv, "|A: b\r\n"},
      {"0\r\nA:b  \r\nC:\r\n\r\n"sv, "|A: b\r\nC: \r\n"},
      {"0\r\nETag: \"x\"\r\nServer-Timing: a\r\n\r\n"sv, "|ETag: \"x\"\r\nServer-Timing: a\r\n"},
      {"0\r\nSet-Cookie: a\r\nX: y\r\nauthorization: z\r\nCache-Control: no-store\r\n\r\n"sv, "|X: y\r\n"},
  };
  for (const Acceptance& row : rows) {
    const Outcome outcome = parseChunked(row.bytes);
    EXPECT_EQ(outcome.status, ParseStatus::Done) << escaped(row.bytes) << "\n" << outcome;
    EXPECT_EQ(outcome.consumed, row.bytes.size());
    EXPECT_EQ(outcome.result, row.words) << escaped(row.bytes);
  }
}

TEST(Chunked, Refused) {
  const std::vector<Refusal> rows{
      {"«\r\n"sv, E::ChunkSizeInvalid},
      {"«\n"sv, E::ChunkSizeInvalid},
      {"« 5\r\nhello\r\n"sv, E::ChunkSizeInvalid},
      {"«\t5\r\n"sv, E::ChunkSizeInvalid},
      {"«+5\r\nhello\r\n"sv, E::ChunkSizeInvalid},
      {"«-5\r\n"sv, E::ChunkSizeInvalid},
      {"0«x5\r\nhello\r\n"sv, E::ChunkSizeInvalid},
      {"0«X5\r\n"sv, E::ChunkSizeInvalid},
      {"«x\r\n"sv, E::ChunkSizeInvalid},
      {"«g\r\n"sv, E::ChunkSizeInvalid},
      {"5«g\r\n"sv, E::ChunkSizeInvalid},
      {"5«_0\r\n"sv, E::ChunkSizeInvalid},
      {"5«.\r\n"sv, E::ChunkSizeInvalid},
      {"5«h\r\n"sv, E::ChunkSizeInvalid},
      {"5«,5\r\n"sv, E::ChunkSizeInvalid},
      {"5 «\r\nhello\r\n"sv, E::ChunkSizeInvalid},
      {"5 «5\r\n"sv, E::ChunkSizeInvalid},
      {"5\t«\r\n"sv, E::ChunkSizeInvalid},
      {"«;a\r\n"sv, E::ChunkSizeInvalid},
      {"5«\nhello\r\n"sv, E::ChunkSizeInvalid},
      {"5\r«hello\r\n"sv, E::ChunkSizeInvalid},
      {"5\r«\r\nhello\r\n"sv, E::ChunkSizeInvalid},
      {"5«\0\r\nhello\r\n"sv, E::ChunkSizeInvalid},
      {"5«\x0b\r\n"sv, E::ChunkSizeInvalid},
      {"«\xb5\r\n"sv, E::ChunkSizeInvalid},
      {"«HTTP/1.1 200 OK\r\n"sv, E::ChunkSizeInvalid},
      {"800000000000000«0\r\n"sv, E::ChunkSizeOverflow},
      {"fffffffffffffff«f\r\n"sv, E::ChunkSizeOverflow},
      {"1000000000000000«5\r\n"sv, E::ChunkSizeOverflow},
      {"00001000000000000000«5\r\n"sv, E::ChunkSizeOverflow},
      {"5;«\r\nhello\r\n"sv, E::ChunkExtensionInvalid},
      {"5; «\r\nhello\r\n"sv, E::ChunkExtensionInvalid},
      {"5;«=a\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a=«\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a= «\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a=«;b\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a;«;b\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a «b\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a «\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a=b «\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a=b «c\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a=b«=c\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a=\"b\"«c\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a=\"b«\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a=\"b«\n\"\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a=\"b\\«\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a=\"b\\«\n\"\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a=\"«\0\"\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a=\"«\x7f\"\r\n"sv, E::ChunkExtensionInvalid},
      {"5;«\"a\"\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a«\nhello\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a\r«hello\r\n"sv, E::ChunkExtensionInvalid},
      {"5;«\nGET / HTTP/1.1\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a=b«\n\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a«\0\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a«\xe9\r\n"sv, E::ChunkExtensionInvalid},
      {"5;a=b«@\r\n"sv, E::ChunkExtensionInvalid},
      {"5\r\nhello«0\r\n\r\n"sv, E::ChunkEndMissing},
      {"5\r\nhello«\n0\r\n\r\n"sv, E::ChunkEndMissing},
      {"5\r\nhello\r«0\r\n\r\n"sv, E::ChunkEndMissing},
      {"5\r\nhello«XX0\r\n\r\n"sv, E::ChunkEndMissing},
      {"5\r\nhello« \r\n0\r\n\r\n"sv, E::ChunkEndMissing},
      {"4\r\nhell«o\r\n0\r\n\r\n"sv, E::ChunkEndMissing},
      {"5\r\nhello\r\n«\r\n0\r\n"sv, E::ChunkSizeInvalid},
      {"0«\n\r\n"sv, E::ChunkSizeInvalid},
      {"0\r\n«\n"sv, E::TrailerInvalid},
      {"0\r\n«\rX\r\n"sv, E::TrailerInvalid},
      {"0\r\nA: b«\n\r\n"sv, E::TrailerInvalid},
      {"0\r\nA« : b\r\n\r\n"sv, E::TrailerInvalid},
      {"0\r\nA«\r\n\r\n"sv, E::TrailerInvalid},
      {"0\r\n«: b\r\n\r\n"sv, E::TrailerInvalid},
      {"0\r\n« A: b\r\n\r\n"sv, E::TrailerInvalid},
      {"0\r\nA: b\r\n« c\r\n\r\n"sv, E::TrailerInvalid},
      {"0\r\nA: «\x01\r\n\r\n"sv, E::TrailerInvalid},
      {"0\r\nA: «\0\r\n\r\n"sv, E::TrailerInvalid},
      {"0\r\nA: b«\rc\r\n\r\n"sv, E::TrailerInvalid},
      {"0\r\nGET« / HTTP/1.1\r\n\r\n"sv, E::TrailerInvalid},
      {"0\r\n«Content-Length: 5\r\n\r\n"sv, E::TrailerInvalid},
      {"0\r\nA: b\r\n«transfer-encoding: chunked\r\n\r\n"sv, E::TrailerInvalid},
      {"0\r\n«HOST: a\r\n\r\n"sv, E::TrailerInvalid},
      {"0\r\n«Trailer: x\r\n\r\n"sv, E::TrailerInvalid},
      {"0\r\n«Content-Encoding: gzip\r\n\r\n"sv, E::TrailerInvalid},
      {"0\r\n«Content-Type: a/b\r\n\r\n"sv, E::TrailerInvalid},
      {"0\r\n«Connection: close\r\n\r\n"sv, E::TrailerInvalid},
      {"0\r\n«Upgrade: x\r\n\r\n"sv, E::TrailerInvalid},
  };
  for (const Refusal& row : rows) {
    const Marked marked = unmark(row.bytes);
    expectRefused(parseChunked(marked.bytes), marked, row.error);
  }
}

// strictness: report. Blanks anywhere else stay refused.
TEST(Chunked, PaddedSizesAreTakenWhereAsked) {
  const BodyLimits mend{.mend_sizes = true};
  BodyDecoder decoder;
  for (const std::string_view bytes : {"3   \r\nabc\r\n0   \r\n\r\n"sv, "3\t \r\nabc\r\n0\r\n\r\n"sv}) {
    const Outcome outcome = parseChunked(bytes, mend);
    EXPECT_EQ(outcome.status, ParseStatus::Done) << outcome;
    EXPECT_EQ(outcome.result, "abc|");
    decoder.start(BodyKind::Chunked, 0, mend);
    static_cast<void>(decoder.feed(bytes));
    FindingSet padded;
    padded.add(Finding::ChunkSizePadded);
    EXPECT_EQ(decoder.takeMended(), padded);
    EXPECT_TRUE(decoder.takeMended().empty()) << "told once";
  }
  decoder.start(BodyKind::Chunked, 0, mend);
  static_cast<void>(decoder.feed("3 ;a=b\r\n"));
  EXPECT_TRUE(decoder.takeMended().empty()) << "blanks before an extension are allowed";
  for (const std::string_view bytes : {" 3\r\nabc\r\n"sv, "3 3\r\n"sv, "3 \nabc"sv, "3 ;a \r\nabc"sv, "3 \r\r\n"sv}) {
    EXPECT_EQ(parseChunked(bytes, mend).status, ParseStatus::Error) << escaped(bytes);
  }
}

TEST(Chunked, StopsAtTheEndOfTheMessage) {
  const Outcome outcome = parseChunked("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n");
  EXPECT_EQ(outcome.status, ParseStatus::Done);
  EXPECT_EQ(outcome.consumed, 11U);
}

TEST(Chunked, UnfinishedWantsMore) {
  for (const std::string_view bytes : {""sv, "5"sv, "5\r"sv, "5\r\n"sv, "5\r\nhell"sv, "5\r\nhello"sv, "5\r\nhello\r"sv,
                                       "5\r\nhello\r\n"sv, "0\r\n"sv, "0\r\n\r"sv, "0\r\nA: b\r\n"sv, "5;a=\""sv}) {
    EXPECT_EQ(parseChunked(bytes).status, ParseStatus::NeedMore) << escaped(bytes);
  }
}

TEST(Chunked, LineLimit) {
  const BodyLimits limits{.chunk_line = 10, .trailers = 20};
  EXPECT_EQ(parseChunked("1;abcdefgh\r\nx\r\n1;abcdefgh\r\ny\r\n0\r\n\r\n", limits).status, ParseStatus::Done);
  const Outcome outcome = parseChunked("1;abcdefghi\r\nx\r\n0\r\n\r\n", limits);
  EXPECT_EQ(outcome.error, "ChunkLineTooLong");
  EXPECT_EQ(outcome.offset, 10U);
  EXPECT_EQ(outcome.size, 11U);
  EXPECT_EQ(parseChunked("00000000001\r\n", limits).error, "ChunkLineTooLong");
}

TEST(Chunked, TrailerLimit) {
  const BodyLimits limits{.chunk_line = 10, .trailers = 20};
  EXPECT_EQ(parseChunked("0\r\nA: 456789012345\r\n\r\n" /* 17 + 2 */, limits).status, ParseStatus::Done);
  EXPECT_EQ(parseChunked("0\r\nA: 4567890123456\r\n\r\n", limits).status, ParseStatus::Done);
  const Outcome outcome = parseChunked("0\r\nA: 45678901234567\r\n\r\n", limits);
  EXPECT_EQ(outcome.error, "TrailersTooLarge");
  EXPECT_EQ(outcome.offset, 23U);
  EXPECT_EQ(outcome.limit, 20U);
  EXPECT_EQ(parseChunked("0\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\n\r\n", limits).error, "TrailersTooLarge");
}

TEST(Chunked, RefusedTrailerIsNamed) {
  EXPECT_EQ(parseChunked("0\r\nContent-Length: 5\r\n\r\n").header_name, "Content-Length");
}

TEST(Length, TakesExactlyThatMuch) {
  Outcome outcome = parseBody(BodyKind::Length, "hello world", 5);
  EXPECT_EQ(outcome.status, ParseStatus::Done);
  EXPECT_EQ(outcome.consumed, 5U);
  EXPECT_EQ(outcome.result, "hello|");
  outcome = parseBody(BodyKind::Length, "hell", 5);
  EXPECT_EQ(outcome.status, ParseStatus::NeedMore);
  outcome = parseBody(BodyKind::Length, "hell", 0);
  EXPECT_EQ(outcome.status, ParseStatus::Done);
  EXPECT_EQ(outcome.consumed, 0U);
}

TEST(Length, EndOfStreamEndsNothing) {
  BodyDecoder decoder;
  decoder.start(BodyKind::Length, 5);
  EXPECT_EQ(decoder.expected(), 5U);
  EXPECT_EQ(decoder.feed("hell").data, "hell");
  EXPECT_EQ(decoder.received(), 4U);
  EXPECT_FALSE(decoder.finish());
  EXPECT_EQ(decoder.feed("o").status, ParseStatus::Done);
  EXPECT_TRUE(decoder.finish());
}

TEST(UntilClose, OnlyTheEndOfStreamEndsIt) {
  BodyDecoder decoder;
  decoder.start(BodyKind::UntilClose, 0);
  const BodyDecoder::Step step = decoder.feed("0\r\n\r\n");
  EXPECT_EQ(step.status, ParseStatus::NeedMore);
  EXPECT_EQ(step.data, "0\r\n\r\n");
  EXPECT_EQ(decoder.expected(), std::nullopt);
  EXPECT_FALSE(decoder.done());
  EXPECT_TRUE(decoder.finish());
  EXPECT_TRUE(decoder.done());
}

TEST(NoBody, IsDoneAtOnce) {
  BodyDecoder decoder;
  decoder.start(BodyKind::None, 0);
  EXPECT_TRUE(decoder.done());
  EXPECT_EQ(decoder.feed("x").consumed, 0U);
  EXPECT_EQ(decoder.feed("x").status, ParseStatus::Done);
}

TEST(Chunked, EndOfStreamEndsNothing) {
  BodyDecoder decoder;
  decoder.start(BodyKind::Chunked, 0);
  decoder.feed("5\r\nhello");
  EXPECT_FALSE(decoder.finish());
}

TEST(Chunked, StartAgainAfterAFault) {
  BodyDecoder decoder;
  decoder.start(BodyKind::Chunked, 0);
  EXPECT_EQ(decoder.feed("x").status, ParseStatus::Error);
  EXPECT_EQ(decoder.feed("5").status, ParseStatus::Error);
  decoder.start(BodyKind::Chunked, 0);
  EXPECT_EQ(decoder.feed("0\r\n\r\n").status, ParseStatus::Done);
}

}  // namespace
}  // namespace gatewhy::test
