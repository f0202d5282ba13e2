// SPDX-License-Identifier: Apache-2.0
// Runs a parser over the same octets in every way they can be cut in two, and
// octet by octet, and insists on one outcome. In expected refusals the
// octet at fault is marked with «.
#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/h1_parser.h"

namespace gatewhy::test {

using namespace std::string_view_literals;
using E = ParseError;

inline constexpr std::string_view kMark = "«";

inline std::string_view nameOf(ParseError error) {
  switch (error) {
#define PARSE_ERROR(enumerator, ...) \
  case ParseError::enumerator:       \
    return #enumerator;
#include "diagnostics/parse_errors.def"
#undef PARSE_ERROR
  }
  return "?";
}

inline std::string escaped(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n";
    } else if (octet < 0x20 || octet >= 0x7f) {
      out += "\\x";
      out += kHex[octet >> 4];
      out += kHex[octet & 15];
    } else {
      out += c;
    }
  }
  return out;
}

// Text without the mark, and where the mark was.
struct Marked {
  std::string bytes;
  std::size_t at = std::string::npos;
};

inline Marked unmark(std::string_view text) {
  Marked marked{std::string(text), text.find(kMark)};
  if (marked.at != std::string::npos) {
    marked.bytes.erase(marked.at, kMark.size());
  }
  return marked;
}

using Pieces = std::vector<std::string_view>;

// The whole, every cut in two, single octets.
inline std::vector<Pieces> waysToSplit(std::string_view bytes) {
  std::vector<Pieces> ways{{bytes}};
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    ways.push_back({bytes.substr(0, cut), bytes.substr(cut)});
  }
  Pieces octets;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    octets.push_back(bytes.substr(at, 1));
  }
  ways.push_back(octets);
  return ways;
}

// Everything that must not depend on the split.
struct Outcome {
  ParseStatus status = ParseStatus::NeedMore;
  std::size_t consumed = 0;
  std::string error, header_name, token;
  std::uint64_t offset = 0, size = 0, limit = 0;
  std::string result;  // what was understood, in words

  bool operator==(const Outcome&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Outcome& o) {
  return out << "status " << static_cast<int>(o.status) << ", consumed " << o.consumed << ", error " << o.error
             << " at " << o.offset << ", header '" << escaped(o.header_name) << "', token '" << escaped(o.token)
             << "', size " << o.size << "/" << o.limit << ", result: " << escaped(o.result);
}

inline void setFault(Outcome& outcome, const ParseFault& fault) {
  if (outcome.status == ParseStatus::Error) {
    outcome.error = nameOf(fault.error);
    outcome.offset = fault.offset;
    outcome.header_name = fault.header_name;
    outcome.token = fault.token;
    outcome.size = fault.size;
    outcome.limit = fault.limit;
    EXPECT_LE(fault.excerpt.size(), 64U);
    EXPECT_FALSE(fault.excerpt.empty());
  }
}

inline std::string bodyInWords(const Head& head) {
  switch (head.body) {
    case BodyKind::None:
      return head.has_content_length ? "none(" + std::to_string(head.content_length) + ")" : "none";
    case BodyKind::Length:
      return std::to_string(head.content_length);
    case BodyKind::Chunked:
      return "chunked";
    case BodyKind::UntilClose:
      return "until_close";
  }
  return "?";
}

inline std::string inWords(const RequestHead& head) {
  std::string words(head.methodToken());
  words.append(" ").append(head.path());
  if (head.has_query) {
    words.append("?").append(head.query());
  }
  words.append(" 1.").append(std::to_string(head.version_minor)).append(" ").append(head.host);
  words.append(" ").append(bodyInWords(head)).append(head.keep_alive ? " keep" : " close");
  words.append(head.absolute_form ? " absolute" : "").append(head.upgrade ? " upgrade" : "");
  words.append(head.expect_continue ? " expect" : "").append(head.te_trailers ? " trailers" : "");
  for (const Field& field : head.fields) {
    if (field.connection_nominated) {
      words.append(" -").append(head.name(field));
    }
  }
  return words;
}

inline std::string inWords(const ResponseHead& head) {
  std::string words = std::to_string(head.status);
  words.append(" '").append(head.reason()).append("' 1.").append(std::to_string(head.version_minor));
  words.append(" ").append(bodyInWords(head)).append(head.keep_alive ? " keep" : " close");
  return words.append(head.upgrade ? " upgrade" : "");
}

template <typename Parser>
Outcome runHead(Parser& parser, const Pieces& pieces) {
  Outcome outcome;
  for (const std::string_view piece : pieces) {
    // A fresh allocation of the exact size, so that a sanitizer sees every
    // octet read beyond it.
    const std::vector<char> exact(piece.begin(), piece.end());
    const ParseStep step = parser.feed(std::string_view(exact.data(), exact.size()));
    outcome.status = step.status;
    outcome.consumed += step.consumed;
    if (step.status != ParseStatus::NeedMore) {
      break;
    }
    EXPECT_EQ(step.consumed, piece.size());
  }
  setFault(outcome, parser.fault());
  outcome.result = outcome.status == ParseStatus::Done ? inWords(parser.head()) : parser.head().bytes;
  return outcome;
}

// The outcome of the whole, after insisting that every split has the same.
template <typename MakeRun>
Outcome sameForEverySplit(std::string_view bytes, const MakeRun& run) {
  const std::vector<Pieces> ways = waysToSplit(bytes);
  const Outcome whole = run(ways.front());
  for (const Pieces& pieces : ways) {
    const Outcome outcome = run(pieces);
    if (!(outcome == whole)) {
      ADD_FAILURE() << "split changes the outcome of " << escaped(bytes) << "\nfirst piece " << pieces.front().size()
                    << " octets of " << pieces.size() << "\nwhole: " << whole << "\nsplit: " << outcome;
      break;
    }
  }
  return whole;
}

inline Outcome parseRequest(std::string_view bytes, const HeadLimits& limits = {}) {
  RequestParser parser(limits);
  return sameForEverySplit(bytes, [&parser](const Pieces& pieces) {
    parser.reset();
    return runHead(parser, pieces);
  });
}

inline Outcome parseResponse(std::string_view bytes, Method method = Method::Get, const HeadLimits& limits = {}) {
  ResponseParser parser(limits);
  parser.expect(method);
  return sameForEverySplit(bytes, [&parser](const Pieces& pieces) {
    parser.reset();
    return runHead(parser, pieces);
  });
}

inline void expectRefused(const Outcome& outcome, const Marked& marked, ParseError error) {
  EXPECT_EQ(outcome.status, ParseStatus::Error) << escaped(marked.bytes) << "\n" << outcome;
  EXPECT_EQ(outcome.error, nameOf(error)) << escaped(marked.bytes);
  EXPECT_EQ(outcome.offset, marked.at) << escaped(marked.bytes);
}

// One row of a table of refusals.
struct Refusal {
  std::string_view bytes;  // « before the octet at fault
  ParseError error;
};

// One row of a table of what must pass.
struct Acceptance {
  std::string_view bytes;
  std::string_view words;  // inWords()
};

}  // namespace gatewhy::test
