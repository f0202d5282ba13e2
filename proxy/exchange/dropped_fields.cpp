// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/dropped_fields.h"

#include <algorithm>

#include "config/claimed_fields.h"
#include "diagnostics/octets.h"
#include "proxy/exchange/forward_head.h"

namespace gatewhy {
namespace {

// What gatewhy acts on and passes on as it is.
constexpr FieldSet kActedUpon = {FieldId::Trailer, FieldId::EarlyData, FieldId::SecWebSocketKey};

constexpr bool isPlain(char c) {
  return octets::isAlpha(c) || octets::isDigit(c) || c == '-';
}

bool isPlain(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return isPlain(c); });
}

bool isKept(const HeaderEdits& edits, std::string_view name) {
  return std::any_of(edits.keep.begin(), edits.keep.end(),
                     [name](const std::string& kept) { return equalsIgnoreCase(kept, name); });
}

class Judge {
 public:
  Judge(const RequestHead& request, const RouteConfig& route, bool trusted, Underscores underscores)
      : request_(request), route_(route), trusted_(trusted), underscores_(underscores) {}

  // `refused`: set where the name is one that limits.underscores: refuse does not take.
  [[nodiscard]] bool drops(std::string_view name, std::string& refused) const {
    if (!isPlain(name)) {
      return dropsOdd(name, refused);
    }
    const Claim claim = claimOf(name);
    return claim != Claim::None && !(claim == Claim::OfHops && trusted_) && matters(claim) &&
           !isKept(route_.request_headers, name);
  }

 private:
  [[nodiscard]] bool matters(Claim claim) const {
    switch (claim) {
      case Claim::None:
        return false;
      case Claim::OfHops:
      case Claim::OfAttackers:
        return true;
      case Claim::OfMethod:
        return route_.method_decides;
    }
    return false;
  }

  // CGI makes "_" of "-" (RFC 3875 section 4.1.18), lighttpd of all that is no
  // letter or digit, PHP of ".".
  bool dropsOdd(std::string_view name, std::string& refused) const {
    std::string dashed(name);
    std::replace_if(
        dashed.begin(), dashed.end(), [](char c) { return !isPlain(c); }, '-');
    const FieldId id = fieldId(dashed);
    if (id == FieldId::TransferEncoding || id == FieldId::ContentLength) {
      return true;
    }
    if (isKept(route_.request_headers, name)) {
      return false;
    }
    if (name.find('_') == std::string_view::npos) {
      return underscores_ != Underscores::Pass && shadows(dashed, id);
    }
    switch (underscores_) {
      case Underscores::Shadows:
        return shadows(dashed, id);
      case Underscores::Drop:
        return true;
      case Underscores::Pass:
        return false;
      case Underscores::Refuse:
        refused = refused.empty() ? std::string(name) : refused;
        return true;
    }
    return true;
  }

  [[nodiscard]] bool shadows(std::string_view dashed, FieldId id) const {
    if (isOwnRequestField(id) || kActedUpon.has(id) || matters(claimOf(dashed)) ||
        isEdited(route_.request_headers, dashed)) {
      return true;
    }
    return std::any_of(request_.fields.begin(), request_.fields.end(),
                       [&](const Field& field) { return equalsIgnoreCase(request_.name(field), dashed); });
  }

  const RequestHead& request_;
  const RouteConfig& route_;
  bool trusted_;
  Underscores underscores_;
};

}  // namespace

DroppedFields droppedFields(const RequestHead& request, const RouteConfig& route, bool trusted,
                            Underscores underscores) {
  DroppedFields made;
  const Judge judge(request, route, trusted, underscores);
  for (std::uint32_t i = 0; i < request.fields.size(); ++i) {
    if (request.fields[i].id == FieldId::Other && judge.drops(request.name(request.fields[i]), made.refused)) {
      made.indices.push_back(i);
    }
  }
  return made;
}

std::string keptTrailers(std::string_view trailers, const RequestHead& request, const RouteConfig& route, bool trusted,
                         Underscores underscores) {
  std::string kept;
  const Judge judge(request, route, trusted, underscores);
  while (!trailers.empty()) {
    const std::size_t end = std::min(trailers.find('\n'), trailers.size() - 1);
    const std::string_view line = trailers.substr(0, end + 1);
    trailers.remove_prefix(line.size());
    const std::string_view name = line.substr(0, line.find(':'));
    std::string refused;  // too late for that: dropped
    if (!isOwnRequestField(fieldId(name)) && !isEdited(route.request_headers, name) && !judge.drops(name, refused)) {
      kept += line;
    }
  }
  return kept;
}

}  // namespace gatewhy
