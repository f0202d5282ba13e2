// SPDX-License-Identifier: Apache-2.0
#include "daemon/file_watch.h"

#include <algorithm>
#include <set>
#include <utility>

#include "daemon/admin/admin_json.h"

namespace gatewhy {
namespace {

constexpr std::chrono::milliseconds kEvery{5000};
// A certificate and its key are two files, and each is written in pieces: what
// has changed is read when it has not changed again for this long.
constexpr std::chrono::milliseconds kSettle{1000};

LifecycleEvent::Fact textFact(std::string_view key, std::string text) {
  return {.key = key, .text = std::move(text), .number = {}, .list = {}};
}

LifecycleEvent made(std::string_view event, std::string_view severity, std::string_view message,
                    std::vector<LifecycleEvent::Fact> facts) {
  LifecycleEvent said;
  said.event = event;
  said.severity = severity;
  said.message = message;
  said.facts = std::move(facts);
  return said;
}

// Of the certificate that is in force now.
std::string expiryText(const ListenerTlsContext& tls, const std::string& file) {
  for (const ServedCertificate& served : tls.certificates()) {
    if (served.file == file && served.term.not_after != 0) {
      return timestampText(served.term.not_after);
    }
  }
  return {};
}

std::string_view renewalMessage(Renewal::Kind kind, bool applied) {
  switch (kind) {
    case Renewal::Kind::Certificate:
      return applied ? "a renewed certificate is in force"
                     : "a changed certificate is refused; the old one stays in force";
    case Renewal::Kind::Authorities:
      return applied ? "changed authorities of clients are in force"
                     : "changed authorities of clients are refused; the old ones stay in force";
    case Renewal::Kind::RevocationLists:
      return applied ? "changed revocation lists of clients are in force"
                     : "changed revocation lists of clients are refused; the old ones stay in force";
  }
  return {};
}

LifecycleEvent renewalEvent(const Renewal& renewal, const std::string& listener, const ListenerTlsContext& tls) {
  const bool applied = renewal.problem.empty();
  const bool pair = renewal.kind == Renewal::Kind::Certificate;
  const std::string_view message = renewalMessage(renewal.kind, applied);
  std::vector<LifecycleEvent::Fact> facts{textFact("outcome", applied ? "applied" : "refused"),
                                          textFact("listener", listener), textFact("file", renewal.file)};
  if (pair) {
    facts.push_back(textFact("key", renewal.key));
    if (std::string expiry = expiryText(tls, renewal.file); !expiry.empty()) {
      facts.push_back(textFact("not_after", std::move(expiry)));
    }
  }
  if (!applied) {
    facts.push_back(textFact("problem", renewal.problem));
  }
  return made("renewal", applied ? "INFO" : "ERROR", message, std::move(facts));
}

bool hasFiles(const Generation& generation) {
  const auto lists = [](const OriginConfig& origin) { return !origin.tls.crl_file.empty(); };
  const auto tls = [](const auto& context) { return context != nullptr; };
  const Config& config = *generation.config;
  const auto users = [](const auto& file) { return file != nullptr; };
  return std::any_of(generation.listener_tls.begin(), generation.listener_tls.end(), tls) ||
         std::any_of(generation.users.begin(), generation.users.end(), users) ||
         std::any_of(config.origins.begin(), config.origins.end(), lists);
}

}  // namespace

std::optional<std::chrono::milliseconds> FileWatch::dueIn(const Generation& generation) const {
  if (!hasFiles(generation)) {
    return std::nullopt;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(due_ - Clock::now());
  return std::max(left, std::chrono::milliseconds(1));
}

void FileWatch::look(const Generation& generation) {
  if (Clock::now() < due_ || !hasFiles(generation)) {
    return;
  }
  lookAtRevocations(generation);
  const bool certificates = lookAtCertificates(generation);
  const bool settling = lookAtUsers(generation) || certificates;
  due_ = Clock::now() + (settling ? kSettle : kEvery);
}

// True where something is still changing.
bool FileWatch::lookAtCertificates(const Generation& generation) {
  bool settling = false;
  for (std::size_t i = 0; i < generation.listener_tls.size(); ++i) {
    const auto& tls = generation.listener_tls[i];
    if (tls == nullptr) {
      continue;
    }
    const TlsRenewals found = tls->renew();
    settling = settling || found.settling;
    for (const Renewal& renewal : found.renewals) {
      (renewal.problem.empty() ? counts_.applied : counts_.refused).fetch_add(1, std::memory_order_relaxed);
      say_(renewalEvent(renewal, generation.config->listeners[i].address, *tls));
    }
  }
  return settling;
}

bool FileWatch::lookAtUsers(const Generation& generation) {
  bool settling = false;
  std::set<const UserFile*> looked_at;  // routes share files
  for (const auto& file : generation.users) {
    if (file == nullptr || !looked_at.insert(file.get()).second) {
      continue;
    }
    const UserFile::Look seen = file->look();
    settling = settling || seen.settling;
    if (!seen.outcome) {
      continue;
    }
    const bool applied = seen.outcome->empty();
    std::vector<LifecycleEvent::Fact> facts{textFact("outcome", applied ? "applied" : "refused"),
                                            textFact("file", file->path())};
    if (!applied) {
      facts.push_back(textFact("problem", *seen.outcome));
    }
    say_(made("renewal", applied ? "INFO" : "ERROR",
              applied ? "changed users are in force" : "changed users are refused; the previous ones stay in force",
              std::move(facts)));
  }
  return settling;
}

// Lists are renewed by somebody else, daily as a rule, and count from the next
// handshake on.
void FileWatch::lookAtRevocations(const Generation& generation) {
  std::set<const OriginTlsContext*> looked_at;  // origins share contexts
  for (const OriginRuntime& origin : generation.origins) {
    if (origin.tls == nullptr || !looked_at.insert(origin.tls.get()).second) {
      continue;
    }
    const auto refreshed = origin.tls->refreshRevocations();
    if (!refreshed) {
      continue;
    }
    if (refreshed->problem.empty()) {
      say_(made("message", "INFO", "changed revocation lists are in force", {textFact("file", refreshed->file)}));
    } else {
      say_(made("message", "ERROR", "changed revocation lists cannot be used; the old ones stay in force",
                {textFact("file", refreshed->file), textFact("problem", refreshed->problem)}));
    }
  }
}

}  // namespace gatewhy
