// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/response_check.h"

#include <algorithm>
#include <optional>

#include "proxy/exchange/upgrade.h"

namespace gatewhy {
namespace {

// The request as it was forwarded: without what concerned this hop, and with
// the route's edits.
class ForwardedRequest final : public LintRequest {
 public:
  ForwardedRequest(const RequestHead& request, const RouteConfig& route) : request_(request), route_(route) {}

  [[nodiscard]] std::string_view method() const override { return request_.methodToken(); }

  [[nodiscard]] bool has(FieldId id) const override {
    const HeaderEdits& edits = route_.request_headers;
    const auto same = [id](const std::string& other) { return equalsIgnoreCase(name(id), other); };
    if (std::any_of(edits.set.begin(), edits.set.end(), [&](const auto& entry) { return same(entry.first); })) {
      return true;
    }
    const Field* field = request_.find(id);
    return field != nullptr && !field->connection_nominated &&
           std::none_of(edits.remove.begin(), edits.remove.end(), same);
  }

  // What the browser asked a proxy in front for need not be what that asked us.
  [[nodiscard]] std::string_view clientHost() const override {
    const bool relayed = std::any_of(request_.fields.begin(), request_.fields.end(), [](const Field& field) {
      return field.id == FieldId::Via || field.id == FieldId::Forwarded || field.id == FieldId::XForwardedFor ||
             field.id == FieldId::XForwardedHost || field.id == FieldId::CdnLoop;
    });
    return relayed ? std::string_view() : std::string_view(request_.host);
  }

 private:
  const RequestHead& request_;
  const RouteConfig& route_;
};

}  // namespace

void ResponseCheck::interim(const ResponseHead& head) {
  if (lint_) {
    found_.add(lintInterim(head.has_content_length || head.find(FieldId::TransferEncoding) != nullptr));
  }
}

void ResponseCheck::head(const RequestHead& request, const RouteConfig& route, const ResponseHead& head,
                         std::chrono::system_clock::time_point now) {
  found_.add(head.mended);
  end_.status = head.status;
  end_.to_head = request.method == Method::Head;
  if (!lint_) {
    return;
  }
  if (head.status >= 200 && head.status < 300 && forwardsUpgrade(request)) {
    found_.add(Finding::UpgradeIgnored);
  }
  const ForwardedRequest asked(request, route);
  ResponseLint lint(asked, std::chrono::floor<std::chrono::seconds>(now), head.status, head.reason());
  for (const Field& field : head.fields) {
    if (field.id != FieldId::Other) {
      lint.field(field.id, head.value(field), field.connection_nominated);
      end_.has_content_type = end_.has_content_type || field.id == FieldId::ContentType;
    }
  }
  found_.add(lint.headDone(head.has_content_length ? std::optional(head.content_length) : std::nullopt));
}

void ResponseCheck::end(std::uint64_t content, bool extra_data) {
  if (extra_data) {
    found_.add(extraData(end_));
  }
  if (lint_) {
    end_.content = content;
    found_.add(lintEnd(end_));
  }
}

}  // namespace gatewhy
