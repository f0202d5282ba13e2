// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/status_registry.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace gatewhy {
namespace {

constexpr auto kMeanings = std::to_array<StatusMeaning>({
#define STATUS(code, text, others, owner, reference, standing, emitter, retry, cacheable, meaning, check, note) \
  {code,      text,    others, owner, reference, Standing::standing, Emitter::emitter, ClientRetry::retry,      \
   cacheable, meaning, check,  note},
#include "diagnostics/statuses.def"
});

constexpr auto kClasses = std::to_array<StatusClass>({
#define STATUS_CLASS(digit, name, meaning) {digit, name, meaning},
#include "diagnostics/statuses.def"
});

constexpr bool before(const StatusMeaning& a, const StatusMeaning& b) {
  return std::tie(a.code, a.standing, a.owner) < std::tie(b.code, b.standing, b.owner);
}

constexpr bool sortedWithoutDuplicates() {
  for (std::size_t i = 1; i < kMeanings.size(); ++i) {
    if (!before(kMeanings[i - 1], kMeanings[i])) {
      return false;
    }
  }
  return true;
}

constexpr bool classesInOrder() {
  for (std::size_t i = 0; i < kClasses.size(); ++i) {
    if (kClasses[i].digit != i + 1) {
      return false;
    }
  }
  return kClasses.size() == 5;
}

static_assert(sortedWithoutDuplicates(), "statuses.def: by code, standing, owner");
static_assert(classesInOrder());

std::span<const StatusMeaning> equalRange(std::uint16_t code) noexcept {
  const auto* const begin = std::ranges::lower_bound(kMeanings, code, {}, &StatusMeaning::code);
  const auto* const end = std::ranges::upper_bound(kMeanings, code, {}, &StatusMeaning::code);
  return {begin, end};
}

}  // namespace

std::span<const StatusMeaning> allStatusMeanings() noexcept {
  return kMeanings;
}

std::span<const StatusClass> allStatusClasses() noexcept {
  return kClasses;
}

std::span<const StatusMeaning> meaningsOf(std::uint16_t code) noexcept {
  return equalRange(code);
}

const StatusClass* statusClass(std::uint16_t code) noexcept {
  const std::size_t digit = code / 100U;
  return digit >= 1 && digit <= kClasses.size() ? &kClasses[digit - 1] : nullptr;
}

const StatusMeaning* ownMeaning(std::uint16_t code) noexcept {
  const auto meanings = equalRange(code);
  for (const std::string_view owner : {"IETF", "nginx", "Cloudflare"}) {
    for (const StatusMeaning& meaning : meanings) {
      if (meaning.owner == owner) {
        return &meaning;
      }
    }
  }
  return meanings.size() == 1 ? &meanings.front() : nullptr;
}

std::vector<std::string_view> namesOf(const StatusMeaning& meaning) {
  std::vector<std::string_view> names{meaning.name};
  for (std::string_view rest = meaning.other_names; !rest.empty();) {
    const std::size_t end = std::min(rest.find("; "), rest.size());
    names.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return names;
}

StatusUse statusUse(std::uint16_t code) {
  StatusUse use;
  for (const CauseInfo& row : allCauses()) {
    if (row.sent_status == code) {
      use.sent.push_back(row.cause);
    } else if (row.log_status == code) {
      use.log_only.push_back(row.cause);
    }
    if (row.standard_status == code) {
      use.standard.push_back(row.cause);
    }
  }
  return use;
}

std::string_view name(Standing standing) noexcept {
  switch (standing) {
    case Standing::Standard:
      return "standard";
    case Standing::Temporary:
      return "temporary";
    case Standing::Experimental:
      return "experimental";
    case Standing::Obsolete:
      return "obsolete";
    case Standing::Reserved:
      return "reserved";
    case Standing::Unofficial:
      return "unofficial";
    case Standing::Retired:
      return "retired";
  }
  return {};
}

std::string_view name(Emitter emitter) noexcept {
  switch (emitter) {
    case Emitter::Any:
      return "any";
    case Emitter::Origin:
      return "origin";
    case Emitter::Gateway:
      return "gateway";
    case Emitter::LogOnly:
      return "log_only";
    case Emitter::ClientOnly:
      return "client_only";
  }
  return {};
}

std::string_view words(Emitter emitter) noexcept {
  switch (emitter) {
    case Emitter::Any:
      return "an origin, or a gateway on its own account";
    case Emitter::Origin:
      return "an origin";
    case Emitter::Gateway:
      return "a proxy or gateway";
    case Emitter::LogOnly:
      return "nobody: it is written into logs and never sent";
    case Emitter::ClientOnly:
      return "software on the client's machine; it never crosses the network";
  }
  return {};
}

std::string_view name(ClientRetry retry) noexcept {
  switch (retry) {
    case ClientRetry::Nothing:
      return "nothing";
    case ClientRetry::Follow:
      return "follow";
    case ClientRetry::Changed:
      return "changed";
    case ClientRetry::Never:
      return "never";
    case ClientRetry::Later:
      return "later";
    case ClientRetry::Idempotent:
      return "idempotent";
    case ClientRetry::NewConnection:
      return "new_connection";
  }
  return {};
}

std::string_view words(ClientRetry retry) noexcept {
  switch (retry) {
    case ClientRetry::Nothing:
      return "nothing to repeat";
    case ClientRetry::Follow:
      return "at the address in Location";
    case ClientRetry::Changed:
      return "after changing the request as the answer says";
    case ClientRetry::Never:
      return "pointless: expect the same answer until somebody acts";
    case ClientRetry::Later:
      return "yes, after Retry-After or a growing pause";
    case ClientRetry::Idempotent:
      return "only idempotent requests, after a pause: it may have been done";
    case ClientRetry::NewConnection:
      return "yes, at once, on a new connection";
  }
  return {};
}

}  // namespace gatewhy
