// SPDX-License-Identifier: Apache-2.0
// What an exchange's two heads become on their way past this hop: by the route's
// edits, the login's fields, the client's session, and the hop's own fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "diagnostics/text_buffer.h"
#include "proxy/exchange/exchange_record.h"
#include "proxy/exchange/forward_head.h"
#include "proxy/exchange/generation.h"
#include "proxy/exchange/login_request.h"
#include "proxy/exchange/sticky_session.h"
#include "proxy/exchange/variables.h"
#include "proxy/http/answer_head.h"

namespace gatewhy {

class Forwarding {
 public:
  // All of it outlives this. `record` knows the route and the origin once they are chosen.
  Forwarding(const RequestHead& request, const ClientFacts& client, const Generation& generation,
             const ExchangeRecord& record)
      : request_(request), client_(client), generation_(generation), record_(record) {}

  // Instead of the path that was sent; "" = as sent.
  void forwardPath(std::string path) { path_ = std::move(path); }
  // What a login service is asked. Valid as long as this.
  [[nodiscard]] LoginQuestion loginQuestion(WorkerGeneration& generation) const;
  // The origin is chosen: `origin` with the route's timeouts, `hosts`: its pool's. `fields`: of the login.
  void choose(const OriginConfig& origin, const OriginRuntime& runtime, const OriginHealth& hosts, LoginFields fields);

  // Of the request, for a try; but for the endpoint.
  [[nodiscard]] ForwardContext request() const;
  [[nodiscard]] std::uint64_t balanceKey() const;
  [[nodiscard]] std::size_t sessionEndpoint() const { return session_.endpoint(); }

  // Of a final head, or a 101, from `endpoint`. Valid as long as `out` is not
  // written again, and `head`.
  [[nodiscard]] AnswerHead answer(TextBuffer& out, const ResponseHead& head, std::size_t endpoint);
  // Of another 1xx.
  [[nodiscard]] AnswerHead interim(TextBuffer& out, const ResponseHead& head) const;

  [[nodiscard]] VariableSource variables() const;

 private:
  [[nodiscard]] const HeaderEdits& answerEdits();

  const RequestHead& request_;
  const ClientFacts& client_;
  const Generation& generation_;
  const ExchangeRecord& record_;
  const OriginConfig* origin_ = nullptr;
  std::string path_;
  std::optional<HeaderEdits> request_edits_;  // the route's, expanded; absent where they are sent as they are written
  std::optional<HeaderEdits> answer_edits_;   // likewise
  StickySession session_;
};

}  // namespace gatewhy
