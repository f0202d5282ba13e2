// SPDX-License-Identifier: Apache-2.0
// What must hold for every input: our parsers say the same for every split,
// and no other parser frames a message differently that we accept. What we
// refuse others may accept, and the other way round.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/octets.h"
#include "peer.h"
#include "proxy/http/h1_parser.h"
#include "require.h"

namespace gatewhy::fuzz {

struct HeadOutcome {
  ParseStatus status = ParseStatus::NeedMore;
  std::size_t consumed = 0;
  ParseFault fault;  // without the excerpt
  std::string bytes;
  std::vector<std::uint32_t> field_offsets;
};

inline bool operator==(const ParseFault& a, const ParseFault& b) {
  return a.error == b.error && a.offset == b.offset && a.header_name == b.header_name && a.size == b.size &&
         a.limit == b.limit && a.token == b.token;
}

inline bool operator==(const HeadOutcome& a, const HeadOutcome& b) {
  return a.status == b.status && a.consumed == b.consumed && a.bytes == b.bytes && a.field_offsets == b.field_offsets &&
         (a.status != ParseStatus::Error || a.fault == b.fault);
}

// Feeds `first` octets, then pieces of `step`.
template <typename Parser>
HeadOutcome runHead(Parser& parser, std::string_view bytes, std::size_t first, std::size_t step) {
  HeadOutcome outcome;
  std::size_t size = first;
  parser.reset();
  while (outcome.status == ParseStatus::NeedMore && !bytes.empty()) {
    const std::string_view piece = bytes.substr(0, size);
    const ParseStep taken = parser.feed(piece);
    outcome.status = taken.status;
    outcome.consumed += taken.consumed;
    require(taken.consumed <= piece.size(), "no more is consumed than was given");
    require(taken.status != ParseStatus::NeedMore || taken.consumed == piece.size(), "wanting more, all is consumed");
    bytes.remove_prefix(piece.size());
    size = step;
  }
  outcome.fault = parser.fault();
  outcome.bytes = parser.head().bytes;
  for (const Field& field : parser.head().fields) {
    outcome.field_offsets.insert(outcome.field_offsets.end(), {field.name_at, field.value_at, field.value_size});
  }
  return outcome;
}

// Where to cut in two: everywhere in short inputs, a sample of long ones that
// moves with their octets, so that all places come up among many inputs.
struct Cuts {
  explicit Cuts(std::string_view bytes) : stride(1 + bytes.size() / 16) {
    std::size_t sum = 0;
    for (const char octet : bytes) {
      sum += static_cast<unsigned char>(octet);
    }
    first = 1 + sum % stride;
  }
  std::size_t stride;
  std::size_t first = 1;
};

inline std::size_t sizeOrOne(std::size_t size) {
  return size == 0 ? 1 : size;
}

// Leaves the parser with the whole input parsed.
template <typename Parser>
HeadOutcome requireSameForEverySplit(Parser& parser, std::string_view bytes) {
  const HeadOutcome whole = runHead(parser, bytes, sizeOrOne(bytes.size()), 1);
  require(runHead(parser, bytes, 1, 1) == whole, "single octets change nothing");
  const Cuts cuts(bytes);
  for (std::size_t cut = cuts.first; cut < bytes.size(); cut += cuts.stride) {
    require(runHead(parser, bytes, cut, bytes.size()) == whole, "a cut in two changes nothing");
  }
  const HeadOutcome again = runHead(parser, bytes, sizeOrOne(bytes.size()), 1);
  require(again == whole, "a reset parser is as good as new");
  return whole;
}

inline void requireCleanHead(const Head& head) {
  require(head.bytes.ends_with("\r\n\r\n"), "a head ends in an empty line");
  for (const Field& field : head.fields) {
    require(isToken(head.name(field)), "field names are tokens");
    require(head.name(field).size() == field.name_size && head.value(field).size() == field.value_size,
            "fields lie within the head");
    require(field.value_at + field.value_size <= head.bytes.size(), "values lie within the head");
    for (const char octet : head.value(field)) {
      require(octets::is(octet, octets::kValue), "values have no control octets");
    }
  }
}

struct BodyOutcome {
  ParseStatus status = ParseStatus::NeedMore;
  std::size_t consumed = 0;
  std::string payload, trailers;
  ParseFault fault;
};

inline bool operator==(const BodyOutcome& a, const BodyOutcome& b) {
  return a.status == b.status && a.consumed == b.consumed && a.payload == b.payload && a.trailers == b.trailers &&
         (a.status != ParseStatus::Error || a.fault == b.fault);
}

inline BodyOutcome runBody(BodyKind kind, std::uint64_t length, const BodyLimits& limits, std::string_view bytes,
                           std::size_t first, std::size_t step) {
  BodyDecoder decoder;
  decoder.start(kind, length, limits);
  BodyOutcome outcome;
  outcome.status = decoder.done() ? ParseStatus::Done : ParseStatus::NeedMore;
  std::size_t size = first;
  while (outcome.status == ParseStatus::NeedMore && !bytes.empty()) {
    std::string_view piece = bytes.substr(0, size);
    bytes.remove_prefix(piece.size());
    while (outcome.status == ParseStatus::NeedMore && !piece.empty()) {
      const BodyDecoder::Step taken = decoder.feed(piece);
      require(taken.consumed > 0 && taken.consumed <= piece.size(), "decoding goes on");
      outcome.status = taken.status;
      outcome.consumed += taken.consumed;
      outcome.payload.append(taken.data);
      piece.remove_prefix(taken.consumed);
    }
    size = step;
  }
  require(decoder.received() == outcome.payload.size(), "payload is counted");
  if (kind == BodyKind::UntilClose && decoder.finish()) {
    outcome.status = ParseStatus::Done;
  }
  outcome.trailers = decoder.trailers();
  outcome.fault = decoder.fault();
  return outcome;
}

inline BodyOutcome requireSameBodyForEverySplit(BodyKind kind, std::uint64_t length, const BodyLimits& limits,
                                                std::string_view bytes) {
  const BodyOutcome whole = runBody(kind, length, limits, bytes, sizeOrOne(bytes.size()), 1);
  require(runBody(kind, length, limits, bytes, 1, 1) == whole, "single octets change no body");
  const Cuts cuts(bytes);
  for (std::size_t cut = cuts.first; cut < bytes.size(); cut += cuts.stride) {
    require(runBody(kind, length, limits, bytes, cut, bytes.size()) == whole, "a cut in two changes no body");
  }
  return whole;
}

// `head_size` octets are a head that we accept and `body` is how we read the
// rest; `peer` is how someone else reads it all.
inline void requireSameFraming(const Head& head, const BodyOutcome& body, std::size_t head_size, const Reading& peer) {
  if (!peer.head_accepted || peer.tunnel) {
    return;
  }
  if (head.body != BodyKind::None) {
    require(peer.chunked == (head.body == BodyKind::Chunked), "chunked for both or for none");
  }
  // A body that either refuses half-way must agree up to there.
  const std::string& shorter = body.payload.size() < peer.payload.size() ? body.payload : peer.payload;
  const std::string& longer = body.payload.size() < peer.payload.size() ? peer.payload : body.payload;
  require(longer.compare(0, shorter.size(), shorter) == 0, "payloads agree");
  if (peer.refused || body.status == ParseStatus::Error) {
    return;
  }
  require(peer.payload == body.payload, "payloads are the same");
  require(peer.complete == (body.status == ParseStatus::Done), "the message ends for both or for none");
  if (peer.complete) {
    require(peer.end == head_size + body.consumed, "the message ends at the same octet");
  }
}

inline void requireSameFields(const Head& head, const Reading& peer) {
  if (!peer.head_accepted || peer.fields.empty()) {
    return;
  }
  require(peer.fields.size() == head.fields.size(), "as many fields");
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    require(peer.fields[i].first == head.name(head.fields[i]), "the same field names");
    require(peer.fields[i].second == head.value(head.fields[i]), "the same field values");
  }
}

inline constexpr HeadLimits kTightHead{.section = 256, .start_line = 64, .field = 48, .fields = 6};
inline constexpr BodyLimits kTightBody{.chunk_line = 16, .trailers = 48};

}  // namespace gatewhy::fuzz
