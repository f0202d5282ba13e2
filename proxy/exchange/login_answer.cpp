// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/login_answer.h"

#include <algorithm>

#include "diagnostics/proxy_status.h"
#include "proxy/exchange/current_date.h"
#include "proxy/exchange/forward_head.h"

namespace gatewhy {

SynthesizedResponse passOnLoginAnswer(const LoginAnswer& answer, const Diagnosis& diagnosis,
                                      const DiagnosticsConfig& config, const RouteConfig& route,
                                      VariableSource source) {
  const RequestHead& request = source.request;
  ResponseHead head = answer.head;
  source.status = head.status;
  HeaderEdits edits = editsOfFailure(&route, source);
  const auto says_how_long = [&](const Field& field) { return equalsIgnoreCase(head.name(field), "Cache-Control"); };
  if (std::none_of(head.fields.begin(), head.fields.end(), says_how_long)) {
    edits.set.emplace_back("Cache-Control", "no-store");
  }
  head.content_length = answer.body.size();  // all of it is here
  const std::string proxy_status = proxyStatus(diagnosis, config.name, config.disclose, 0);
  const bool head_only = request.method == Method::Head;
  SynthesizedResponse made;
  made.status = head.status;
  made.reason = head.reason();
  made.length = head_only ? AnswerLength::Told : AnswerLength::Known;
  TextBuffer out;
  appendResponseFields(out, head,
                       ResponseContext{.hop_name = config.name,
                                       .request_id = source.request_id,
                                       .proxy_status = proxy_status,
                                       .date = currentDate(),
                                       .edits = &edits},
                       made.length);
  made.fields = out.view();
  if (!head_only) {
    made.body = answer.body;
  }
  return made;
}

}  // namespace gatewhy
