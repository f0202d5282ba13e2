// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/answer.h"

#include <fmt/format.h>

#include <iterator>

#include "diagnostics/accept.h"
#include "diagnostics/answer_page.h"
#include "diagnostics/cause_id.h"
#include "diagnostics/evidence.h"
#include "diagnostics/json_writer.h"
#include "diagnostics/reason_phrase.h"
#include "diagnostics/unsafe_text.h"

namespace gatewhy {
namespace {

// What is left after disclosure was applied: the writers below cannot say
// more than is in it.
struct Disclosed {
  std::uint16_t status = 0;
  std::string_view request_id;
  const Diagnosis* diagnosis = nullptr;  // null: the cause is not disclosed
  bool evidence = false;
  std::string_view hop_name;
  std::string_view date;
  AnswerSite site;
};

// RFC 3986 section 2.3, so that any id makes a valid URI.
std::string percentEncode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                            std::string_view("-._~").find(c) != std::string_view::npos;
    if (unreserved) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace

// Evidence for reading: our own JSON, one member a line. Brackets inside
// strings are told apart by following the quotes.
std::string readableEvidence(const Diagnosis& diagnosis) {
  std::string json;
  JsonWriter writer(json);
  writeEvidence(writer, diagnosis);
  std::string out;
  std::size_t depth = 0;
  bool quoted = false;
  const auto newLine = [&] {
    out += '\n';
    out.append(depth * 2, ' ');
  };
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (quoted && c == '\\') {
      out.append(json, i, 2);
      ++i;
      continue;
    }
    quoted = quoted != (c == '"');
    if (!quoted && (c == '}' || c == ']')) {
      --depth;
      newLine();
    }
    out += c;
    if (quoted) {
      continue;
    }
    if (c == '{' || c == '[') {
      ++depth;
      newLine();
    } else if (c == ',') {
      newLine();
    } else if (c == ':') {
      out += ' ';
    }
  }
  return out;
}

namespace {

Answer makeText(const Disclosed& what) {
  std::string body = statusLine(what.status) + '\n';
  auto out = std::back_inserter(body);
  if (what.diagnosis != nullptr) {
    const CauseInfo& row = info(what.diagnosis->cause);
    fmt::format_to(out, "\n{}\nCause: {}\n", row.seen, row.name);
    if (what.evidence) {
      fmt::format_to(out, "Check first: {}\n\n{}\nEvidence: {}\n", row.check_first,
                     printableText(what.diagnosis->summary), readableEvidence(*what.diagnosis));
    }
  }
  if (what.diagnosis != nullptr) {
    fmt::format_to(out, "\nWritten by {}, not by the origin.\n", printableText(what.hop_name));
  }
  if (!what.request_id.empty()) {
    fmt::format_to(out, "\nRequest id: {}\n", printableText(what.request_id));
  }
  if (!what.date.empty()) {
    fmt::format_to(out, "Time: {}\n", timeForPeople(what.date));
  }
  if (!what.site.contact.empty()) {
    fmt::format_to(out, "Contact: {}\n", printableText(what.site.contact));
  }
  return {"text/plain; charset=utf-8", std::move(body)};
}

// RFC 9457. Without a cause the type is its default, "about:blank".
Answer makeProblem(const Disclosed& what) {
  std::string body;
  JsonWriter json(body);
  json.beginObject();
  const CauseInfo* row = what.diagnosis == nullptr ? nullptr : &info(what.diagnosis->cause);
  json.member("type", row == nullptr ? "about:blank" : problemType(row->cause));
  json.member("title", reasonPhrase(what.status));
  json.memberUnsigned("status", what.status);
  if (row != nullptr) {
    const bool summary = what.evidence && !what.diagnosis->summary.empty();
    json.member("detail", summary ? std::string_view(what.diagnosis->summary) : row->seen);
    json.member("cause", row->name);
    json.member("generated_by", "proxy");
  }
  if (!what.request_id.empty()) {
    json.member("instance", "urn:gatewhy:request:" + percentEncode(what.request_id));
    json.member("request_id", what.request_id);
  }
  if (what.evidence) {
    json.key("evidence");
    writeEvidence(json, *what.diagnosis);
  }
  json.endObject();
  body += '\n';
  return {"application/problem+json", std::move(body)};
}

Answer makeHtml(const Disclosed& what) {
  const std::string evidence = what.evidence ? readableEvidence(*what.diagnosis) : std::string();
  return {"text/html; charset=utf-8", renderPage({.status = what.status,
                                                  .request_id = what.request_id,
                                                  .diagnosis = what.diagnosis,
                                                  .hop_name = what.hop_name,
                                                  .evidence = evidence,
                                                  .date = what.date,
                                                  .site = what.site})};
}

Answer make(const Disclosed& what, std::string_view accept_header) {
  switch (negotiateFormat(accept_header)) {
    case AnswerFormat::Text:
      return makeText(what);
    case AnswerFormat::Html:
      return makeHtml(what);
    case AnswerFormat::ProblemJson:
      return makeProblem(what);
  }
  return makeText(what);
}

}  // namespace

Answer makeAnswer(const Diagnosis& diagnosis, std::uint16_t status, std::string_view request_id,
                  std::string_view accept_header, Disclose disclose, std::string_view hop_name, std::string_view date,
                  AnswerSite site) {
  return make({.status = status,
               .request_id = request_id,
               .diagnosis = disclose == Disclose::None ? nullptr : &diagnosis,
               .evidence = disclose == Disclose::Evidence,
               .hop_name = hop_name,
               .date = date,
               .site = site},
              accept_header);
}

Answer makeFixedAnswer(std::uint16_t status, std::string_view request_id, std::string_view accept_header,
                       std::string_view date, AnswerSite site) {
  return make({.status = status, .request_id = request_id, .date = date, .site = site}, accept_header);
}

}  // namespace gatewhy
