// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/name_lookup.h"

#include <algorithm>
#include <utility>

namespace gatewhy {
namespace {

// The name does not exist, or not in this family: the next one may.
bool isAbsence(const FamilyAnswer& answer) {
  return !answer.ok() && (answer.error().status == DnsStatus::NxDomain || answer.error().status == DnsStatus::NoData);
}

}  // namespace

NameLookup::NameLookup(EventLoop& loop, DnsLookup::Servers servers, std::string written, std::vector<std::string> names,
                       const std::vector<int>& families, OnAnswer on_answer)
    : loop_(loop),
      servers_(std::move(servers)),
      written_(std::move(written)),
      names_(std::move(names)),
      on_answer_(std::move(on_answer)) {
  for (const int family : families) {
    families_.push_back({.family = family});
  }
}

void NameLookup::start() {
  ask();
}

void NameLookup::ask() {
  // All are made before the first one may answer.
  for (std::size_t i = 0; i < families_.size(); ++i) {
    Family& of = families_[i];
    if (of.lookup) {
      finished_.push_back(std::move(of.lookup));
    }
    of.answer.reset();
    of.lookup =
        std::make_shared<DnsLookup>(loop_, servers_, names_[at_], of.family,
                                    [this, i](const FamilyAnswer& answer, std::optional<std::uint32_t> negative_ttl_s) {
                                      onAnswer(i, answer, negative_ttl_s);
                                    });
  }
  const std::size_t asked = at_;
  for (std::size_t i = 0; i < families_.size() && asked == at_; ++i) {
    families_[i].lookup->start();
  }
}

// One address is enough to know the name; a server that fails says nothing of
// it, and another name must not be taken for it.
bool NameLookup::isDecided() const {
  return at_ + 1 == names_.size() || std::any_of(families_.begin(), families_.end(),
                                                 [](const Family& of) { return of.answer && !isAbsence(*of.answer); });
}

void NameLookup::onAnswer(std::size_t which, const FamilyAnswer& answer, std::optional<std::uint32_t> negative_ttl_s) {
  families_[which].answer = answer;
  families_[which].negative_ttl_s = negative_ttl_s;
  if (isDecided()) {
    for (Family& of : families_) {
      if (of.answer && !of.told) {
        tell(of);
      }
    }
    return;
  }
  if (std::any_of(families_.begin(), families_.end(), [](const Family& of) { return !of.answer; })) {
    return;
  }
  if (names_[at_] == written_) {
    for (Family& of : families_) {
      of.written_fault = of.answer->error();
      of.written_negative_ttl_s = of.negative_ttl_s;
    }
  }
  ++at_;
  ask();
}

void NameLookup::tell(Family& of) {
  of.told = true;
  if (of.answer->ok()) {
    ResolvedAddresses found = of.answer->value();
    if (names_[at_] != written_) {
      found.facts.name = names_[at_];
    }
    on_answer_(of.family, std::move(found), std::nullopt);
    return;
  }
  // Where no name exists, the one that was written is what people look for.
  const bool as_written = isAbsence(*of.answer) && of.written_fault;
  on_answer_(of.family, Failure{withNames(as_written ? *of.written_fault : of.answer->error())},
             as_written ? of.written_negative_ttl_s : of.negative_ttl_s);
}

DnsFault NameLookup::evidence(int family) const {
  const auto found =
      std::find_if(families_.begin(), families_.end(), [&](const Family& of) { return of.family == family; });
  if (found == families_.end() || !found->lookup) {
    return {};
  }
  return withNames(found->answer && !found->answer->ok() ? found->answer->error() : found->lookup->evidence());
}

DnsFault NameLookup::withNames(DnsFault fault) const {
  if (names_.size() > 1) {
    fault.searched.assign(names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(at_) + 1);
  }
  return fault;
}

}  // namespace gatewhy
