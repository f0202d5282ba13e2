// SPDX-License-Identifier: Apache-2.0
#include "proxy/exchange/forwarding.h"

#include <functional>
#include <iterator>
#include <utility>

#include "diagnostics/proxy_status.h"
#include "diagnostics/reason_phrase.h"
#include "proxy/exchange/admission.h"
#include "proxy/exchange/current_date.h"
#include "proxy/exchange/upgrade.h"

namespace gatewhy {
namespace {

constexpr std::uint16_t kSwitchingProtocols = 101;

// HTTP/2 has none (RFC 9113 section 8.3.2); a client of HTTP/1.1 may show it.
std::string_view reasonOf(const ResponseHead& head) {
  return head.version_major == 1 ? head.reason() : reasonPhrase(head.status);
}

}  // namespace

VariableSource Forwarding::variables() const {
  return {.request = request_,
          .client = client_,
          .client_address = record_.clientAddress(),
          .forwarded = !record_.forwarded_client.empty(),
          .scheme = cameOverTls(request_, client_) ? "https" : "http",
          .request_id = record_.identity.requestId(),
          .route = record_.route == nullptr ? std::string_view() : std::string_view(record_.route->name),
          .origin = record_.origin == nullptr ? std::string_view() : std::string_view(record_.origin->name),
          .status = 0,
          .cause = {}};
}

LoginQuestion Forwarding::loginQuestion(WorkerGeneration& generation) const {
  const std::string_view forwarded_host =
      client_.trusted ? nearestValue(request_, FieldId::XForwardedHost) : std::string_view();
  // A rewritten path is the origin's own affair.
  const bool as_sent = path_.empty() || record_.route->rewrite;
  return {.request = request_,
          .route = *record_.route,
          .generation = generation,
          .dropped = record_.dropped,
          .path = as_sent ? request_.path() : std::string_view(path_),
          .client_ip = client_.ip,
          .scheme = client_.tls ? "https" : "http",
          .believed_scheme = cameOverTls(request_, client_) ? "https" : "http",
          .believed_host = forwarded_host.empty() ? request_.authority() : forwarded_host,
          .trusted = client_.trusted,
          .request_id = record_.identity.requestId(),
          .traceparent = record_.identity.traceparent(),
          .balance_key = std::hash<std::string_view>{}(record_.clientAddress())};
}

void Forwarding::choose(const OriginConfig& origin, const OriginRuntime& runtime, LoginFields fields) {
  origin_ = &origin;
  const HeaderEdits& edits = record_.route->request_headers;
  if (!edits.templates.empty()) {
    request_edits_ = expand(edits, variables());
  }
  if (!fields.empty()) {
    HeaderEdits& own = request_edits_ ? *request_edits_ : request_edits_.emplace(edits);
    std::move(fields.begin(), fields.end(), std::back_inserter(own.set));
  }
  session_.find(request_, origin, runtime);
}

ForwardContext Forwarding::request() const {
  return {.hop_name = generation_.config->diagnostics.name,
          .client_ip = client_.ip,
          .scheme = client_.tls ? "https" : "http",
          .trusted_peer = client_.trusted,
          .request_id = record_.identity.requestId(),
          .traceparent = record_.identity.traceparent(),
          .edits = request_edits_ ? &*request_edits_ : &record_.route->request_headers,
          .dropped = record_.dropped,
          .path = path_,
          .route = record_.route,
          .endpoint = nullptr,
          .upgrade = forwardsUpgrade(request_),
          .own_cookie = session_.cookieName()};
}

// The client's address where the origin hashes nothing else, or that comes to nothing.
std::uint64_t Forwarding::balanceKey() const {
  const std::hash<std::string_view> hash;
  if (origin_->hash_key) {
    if (const std::string key = expand(*origin_->hash_key, variables()); !key.empty()) {
      return hash(key);
    }
  }
  return hash(record_.clientAddress());
}

const HeaderEdits& Forwarding::answerEdits() {
  const HeaderEdits& edits = record_.route->response_headers;
  if (edits.templates.empty()) {
    return edits;
  }
  VariableSource source = variables();
  source.status = record_.status;
  return answer_edits_.emplace(expand(edits, source));
}

AnswerHead Forwarding::answer(TextBuffer& out, const ResponseHead& head, std::size_t endpoint) {
  const bool tunnel = head.status == kSwitchingProtocols;
  const AnswerLength length = tunnel ? AnswerLength::None : answerLength(head, request_);
  const DiagnosticsConfig& diagnostics = generation_.config->diagnostics;
  const std::string proxy_status = !tunnel && diagnostics.disclose == Disclose::Evidence
                                       ? passedOnProxyStatus(diagnostics.name, head.status)
                                       : std::string();
  const std::string set_cookie = session_.setCookie(endpoint, request_, client_);
  out.clear();
  appendResponseFields(out, head,
                       ResponseContext{.hop_name = diagnostics.name,
                                       .request_id = record_.identity.requestId(),
                                       .proxy_status = proxy_status,
                                       .date = currentDate(),
                                       .set_cookie = set_cookie,
                                       .edits = &answerEdits()},
                       length);
  return {.status = head.status,
          .reason = reasonOf(head),
          .fields = out.view(),
          .length = length,
          .content_length = tunnel ? 0 : head.content_length,
          .upgrade = tunnel ? head.valueOf(FieldId::Upgrade) : std::string_view()};
}

AnswerHead Forwarding::interim(TextBuffer& out, const ResponseHead& head) const {
  out.clear();
  appendInterimFields(out, head);
  return {.status = head.status, .reason = reasonOf(head), .fields = out.view()};
}

}  // namespace gatewhy
