// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/dropped_fields.h"

#include <algorithm>

#include "config/claimed_fields.h"
#include "proxy/exchange/forward_head.h"

namespace gatewhy {
namespace {

// What gatewhy acts on and passes on as it is.
constexpr FieldSet kActedUpon = {FieldId::Trailer, FieldId::EarlyData, FieldId::SecWebSocketKey};

bool isKept(const HeaderEdits& edits, std::string_view name) {
  return std::any_of(edits.keep.begin(), edits.keep.end(),
                     [name](const std::string& kept) { return equalsIgnoreCase(kept, name); });
}

class Judge {
 public:
  Judge(const RequestHead& request, const HeaderEdits& edits, bool trusted, Underscores underscores)
      : request_(request), edits_(edits), trusted_(trusted), underscores_(underscores) {}

  void judge(std::uint32_t index, DroppedFields& made) const {
    const std::string_view name = request_.name(request_.fields[index]);
    const bool underscore = name.find('_') != std::string_view::npos;
    if (underscore ? dropsUnderscored(name, made) : !trusted_ && isClaimedField(name) && !isKept(edits_, name)) {
      made.indices.push_back(index);
    }
  }

 private:
  bool dropsUnderscored(std::string_view name, DroppedFields& made) const {
    std::string dashed(name);
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    const FieldId id = fieldId(dashed);
    if (id == FieldId::TransferEncoding || id == FieldId::ContentLength) {
      return true;
    }
    if (isKept(edits_, name)) {
      return false;
    }
    switch (underscores_) {
      case Underscores::Shadows:
        return shadows(dashed, id);
      case Underscores::Drop:
        return true;
      case Underscores::Pass:
        return false;
      case Underscores::Refuse:
        made.refused = made.refused.empty() ? std::string(name) : made.refused;
        return true;
    }
    return true;
  }

  [[nodiscard]] bool shadows(std::string_view dashed, FieldId id) const {
    if (isOwnRequestField(id) || kActedUpon.has(id) || isClaimedField(dashed) || isEdited(edits_, dashed)) {
      return true;
    }
    return std::any_of(request_.fields.begin(), request_.fields.end(),
                       [&](const Field& field) { return equalsIgnoreCase(request_.name(field), dashed); });
  }

  const RequestHead& request_;
  const HeaderEdits& edits_;
  bool trusted_;
  Underscores underscores_;
};

}  // namespace

DroppedFields droppedFields(const RequestHead& request, const HeaderEdits& edits, bool trusted,
                            Underscores underscores) {
  DroppedFields made;
  const Judge judge(request, edits, trusted, underscores);
  for (std::uint32_t i = 0; i < request.fields.size(); ++i) {
    if (request.fields[i].id == FieldId::Other) {
      judge.judge(i, made);
    }
  }
  return made;
}

}  // namespace gatewhy
