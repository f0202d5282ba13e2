// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/answer_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "diagnostics/html_text.h"
#include "diagnostics/reason_phrase.h"

namespace gatewhy {
namespace {

enum class Leg : std::uint8_t { Client, Hop, Origin };

// Blame decides where it is clear; what our configuration or nobody caused is
// shown where it was seen.
Leg failedLeg(const Diagnosis& diagnosis) {
  switch (diagnosis.blame) {
    case Blame::Client:
      return Leg::Client;
    case Blame::Origin:
    case Blame::Network:
    case Blame::Dns:
      return Leg::Origin;
    case Blame::Proxy:
    case Blame::Operator:
      return Leg::Hop;
    case Blame::Config:
    case Blame::Nobody:
      break;
  }
  if (diagnosis.cause == Cause::UpgradeNotAllowed) {
    return Leg::Hop;  // refused before the origin was asked
  }
  if (diagnosis.phase == Phase::ClientRequest) {
    return Leg::Client;
  }
  return diagnosis.phase == Phase::Routing || diagnosis.phase == Phase::Internal ? Leg::Hop : Leg::Origin;
}

bool ranOutOfTime(ProxyError error) {
  return error == ProxyError::DnsTimeout || error == ProxyError::ConnectionTimeout ||
         error == ProxyError::ConnectionReadTimeout || error == ProxyError::ConnectionWriteTimeout ||
         error == ProxyError::HttpResponseTimeout;
}

// What a rule refuses is nobody's fault: the page shows no alarm.
struct Refusal {
  Cause cause;
  std::string_view sentence;
  std::string_view state = "refused here by a rule";
};

// What a rule of ours refuses: trying again at once is no good.
constexpr std::array kRefusals{
    Refusal{Cause::RateLimited, "Too many requests came in a short time. Wait a little before you try again."},
    Refusal{Cause::ClientCredentialsMissing, "This page needs a user name and a password."},
    Refusal{Cause::ClientCredentialsInvalid, "The user name or the password is wrong."},
    Refusal{Cause::ClientLoginLimit,
            "Too many failed logins came from your address. Wait a minute before you try again."},
    Refusal{Cause::LoginServiceDenied, "You have to log in to see this page, or you do not have access to it."},
    Refusal{Cause::RequestDenied, "You do not have access to this page."},
    Refusal{Cause::UpgradeNotAllowed, "This page does not offer the kind of connection that was asked for."},
    Refusal{Cause::ClientUpgradeRequired, "This page needs a secure connection. Try https:// instead of http://."},
    Refusal{Cause::NoRoute, "There is no site at this address. Check the address for typos.", "no such site"},
    Refusal{Cause::ClientMethodUnsupported, "This page does not accept that kind of request."},
};

// Null where it is a failure.
const Refusal* refusalOf(const Diagnosis& diagnosis) {
  const auto* refusal = std::find_if(kRefusals.begin(), kRefusals.end(),
                                     [&](const Refusal& row) { return row.cause == diagnosis.cause; });
  return refusal == kRefusals.end() ? nullptr : refusal;
}

}  // namespace

std::string_view visitorSentence(const Diagnosis& diagnosis) {
  if (const Refusal* refusal = refusalOf(diagnosis)) {
    return refusal->sentence;
  }
  switch (failedLeg(diagnosis)) {
    case Leg::Client:
      return "The request could not be accepted as it was sent. If you followed a link or used a form, go back and try "
             "again.";
    case Leg::Hop:
      return "The request arrived, but could not be passed on to the site. Try again in a few minutes.";
    case Leg::Origin:
      break;
  }
  if (ranOutOfTime(diagnosis.proxy_error)) {
    return "The site's server took too long. Try again in a few minutes.";
  }
  if (diagnosis.phase < Phase::TlsHandshake) {
    return "The site's server cannot be reached at the moment. Try again in a few minutes.";
  }
  if (diagnosis.phase == Phase::TlsHandshake) {
    return "No secure connection to the site's server could be made. Your device is not the cause.";
  }
  return "The site's server was reached, but gave no usable answer. Try again in a few minutes.";
}

namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--text:#1c2024;--soft:#5a646e;--back:#f6f7f9;--card:#fff;--line:#d5dae0;--ok:#1a7f4b;--bad:#c0262d}
@media (prefers-color-scheme:dark){:root{--text:#e8eaed;--soft:#a3adb8;--back:#14171a;--card:#1d2125;--line:#363d45;--ok:#58c78d;--bad:#ff7b7b}}
*{box-sizing:border-box}
body{margin:0;padding:2rem 1rem;background:var(--back);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
main{max-width:42rem;margin:0 auto}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 .5rem}
h2{font-size:1rem;margin:1.5rem 0 .25rem}
p{margin:.25rem 0}
a{color:inherit}
.site{margin:0 0 1rem;color:var(--soft);font-weight:600}
ol{display:flex;gap:.5rem;list-style:none;margin:1.5rem 0;padding:0}
li{flex:1;min-width:0;padding:.75rem;background:var(--card);border:1px solid var(--line);border-top:.3rem solid var(--line);border-radius:.4rem;overflow-wrap:anywhere}
li b,li span{display:block}
li span{color:var(--soft);font-size:.9rem}
li.ok{border-top-color:var(--ok)}
li.bad{border-top-color:var(--bad)}
li.bad span{color:var(--bad);font-weight:600}
li.rule{border-top-color:var(--soft)}
li.rule span{color:var(--text);font-weight:600}
code,pre{font-family:ui-monospace,monospace;font-size:.9rem}
code{overflow-wrap:anywhere}
.support{display:inline-block;padding:.25rem .5rem;background:var(--card);border:1px solid var(--line);border-radius:.4rem;color:var(--text);user-select:all}
pre{padding:.75rem;background:var(--card);border:1px solid var(--line);border-radius:.4rem;white-space:pre-wrap;overflow-wrap:anywhere}
footer{margin-top:2rem;color:var(--soft);font-size:.9rem}
@media (max-width:30rem){ol{flex-direction:column}}
)";

void appendLegs(std::string& out, const Diagnosis& diagnosis, std::string_view hop_name) {
  const Refusal* refusal = refusalOf(diagnosis);
  const Leg failed = refusal == nullptr ? failedLeg(diagnosis) : Leg::Hop;
  const std::string hop = escapeHtml(hop_name);
  const std::array<std::string_view, 3> names = {"You", hop, "The site's server"};
  out += "<ol aria-label=\"Path of your request\">\n";
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto leg = static_cast<Leg>(i);
    const std::string_view state = leg == failed  ? (refusal == nullptr ? "problem here" : refusal->state)
                                   : leg < failed ? "working"
                                                  : "not involved";
    const std::string_view style = leg == failed ? (refusal == nullptr ? "bad" : "rule") : leg < failed ? "ok" : "idle";
    fmt::format_to(std::back_inserter(out), "<li class=\"{}\"><b>{}</b><span>{}</span></li>\n", style, names[i], state);
  }
  out += "</ol>\n";
}

void appendCause(std::string& out, const PageContent& content) {
  const CauseInfo& row = info(content.diagnosis->cause);
  auto back = std::back_inserter(out);
  fmt::format_to(back, "<h2>What happened</h2>\n<p>{}</p>\n<p>Cause: <code>{}</code></p>\n", escapeHtml(row.seen),
                 escapeHtml(row.name));
  if (!content.evidence.empty()) {
    fmt::format_to(back, "<h2>For the operator of the site</h2>\n<p>{}</p>\n", escapeHtml(row.check_first));
  }
}

void appendEvidence(std::string& out, const PageContent& content) {
  if (content.evidence.empty()) {
    return;
  }
  fmt::format_to(std::back_inserter(out), "<h2>Evidence</h2>\n<p>{}</p>\n", escapeHtml(content.diagnosis->summary));
  if (content.evidence.find('"') != std::string_view::npos) {  // some causes have none: an empty object
    fmt::format_to(std::back_inserter(out), "<pre>{}</pre>\n", escapeHtml(content.evidence));
  }
}

void appendSupportLine(std::string& out, const PageContent& content) {
  if (const std::string line = supportLine(content); !line.empty()) {
    fmt::format_to(std::back_inserter(out), "<p>If you report this, include: <code class=\"support\">{}</code></p>\n",
                   escapeHtml(line));
  }
}

// Where a contact leads; "" where it is words.
std::string contactLink(std::string_view contact) {
  if (contact.find(' ') != std::string_view::npos) {
    return {};
  }
  if (contact.starts_with("https://") || contact.starts_with("http://")) {
    return std::string(contact);
  }
  const std::size_t at = contact.find('@');
  const bool dotted = contact.find('.', at == std::string_view::npos ? 1 : at) != std::string_view::npos;
  if (!dotted || contact.find(':') != std::string_view::npos) {
    return {};
  }
  return fmt::format("{}{}", at == std::string_view::npos ? "https://" : "mailto:", contact);
}

void appendContact(std::string& out, const PageContent& content) {
  const std::string text = escapeHtml(content.site.contact);
  const std::string link = escapeHtml(contactLink(content.site.contact));
  if (!text.empty()) {
    out += link.empty() ? fmt::format("<p>Contact: {}</p>\n", text)
                        : fmt::format("<p>Contact: <a href=\"{}\">{}</a></p>\n", link, text);
  }
}

void appendFooter(std::string& out, const PageContent& content) {
  if (content.diagnosis == nullptr) {
    return;
  }
  fmt::format_to(std::back_inserter(out), "<footer><p>Written by {}, not by the site's server.</p></footer>\n",
                 escapeHtml(content.hop_name));
}

}  // namespace

std::string timeForPeople(std::string_view date) {
  constexpr std::size_t kDayName = 5;  // "Sat, "
  if (date.size() > kDayName && date.ends_with(" GMT")) {
    date.remove_prefix(kDayName);
    date.remove_suffix(4);
    return fmt::format("{} UTC", date);
  }
  return std::string(date);
}

std::string supportLine(const PageContent& content) {
  if (content.request_id.empty()) {
    return {};
  }
  std::string line = fmt::format("{}", content.status);
  if (content.diagnosis != nullptr) {
    fmt::format_to(std::back_inserter(line), " {}", info(content.diagnosis->cause).name);
  }
  if (!content.date.empty()) {
    line += ", " + timeForPeople(content.date);
  }
  fmt::format_to(std::back_inserter(line), ", request id {}", content.request_id);
  return line;
}

std::string statusLine(std::uint16_t status) {
  const std::string_view phrase = reasonPhrase(status);
  return phrase.empty() ? fmt::format("{}", status) : fmt::format("{} {}", status, phrase);
}

std::string renderPage(const PageContent& content) {
  const std::string title = escapeHtml(statusLine(content.status));
  const std::string site = escapeHtml(content.site.name);
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<meta name=\"robots\" content=\"noindex\">\n"
      // Else browsers ask for /favicon.ico, which meets the same failure again.
      "<link rel=\"icon\" href=\"data:,\">\n<title>{0}{2}</title>\n<style>{1}</style>\n</head>\n"
      "<body>\n<main>\n{3}<h1>{0}</h1>\n",
      title, kStyle, site.empty() ? "" : " | " + site, site.empty() ? "" : "<p class=\"site\">" + site + "</p>\n");
  if (content.diagnosis != nullptr) {
    fmt::format_to(std::back_inserter(out), "<p>{}</p>\n", escapeHtml(visitorSentence(*content.diagnosis)));
    appendLegs(out, *content.diagnosis, content.hop_name);
  }
  appendSupportLine(out, content);
  appendContact(out, content);
  if (content.diagnosis != nullptr) {
    appendCause(out, content);
    appendEvidence(out, content);
  }
  appendFooter(out, content);
  out += "</main>\n</body>\n</html>\n";
  return out;
}

}  // namespace gatewhy
