// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/admin_dialogue.h"

#include <fmt/format.h>

#include <utility>

namespace gatewhy {
namespace {

constexpr HeadLimits kAdminHeadLimits{.section = 16UL * 1024, .start_line = 4096, .field = 8192, .fields = 64};

// What a probe asks is answered whatever else goes on.
bool isProbe(std::string_view path) {
  return path == "/healthz" || path == "/readyz";
}

// No form and no image of another site's page can set a header.
constexpr std::string_view kActionField = "X-Gatewhy-Action";

// What a browser says of the page that asks. Others say nothing of the kind.
bool isOtherSites(const AdminRequest& request) {
  const std::string_view site = request.field("Sec-Fetch-Site");
  if (!site.empty() && site != "same-origin" && site != "none") {
    return true;
  }
  const std::string_view origin = request.field("Origin");
  const std::size_t host = origin.find("://");
  return !origin.empty() &&
         (host == std::string_view::npos || !equalsIgnoreCase(origin.substr(host + 3), request.field("Host")));
}

}  // namespace

AdminDialogue::AdminDialogue(AdminDesk& desk) : desk_(desk), parser_(kAdminHeadLimits) {}

AdminDialogue::Step AdminDialogue::take(std::string_view bytes) {
  const ParseStep parsed = parser_.feed(bytes);
  Step step;
  step.consumed = parsed.consumed;
  switch (parsed.status) {
    case ParseStatus::NeedMore:
      break;
    case ParseStatus::Done:
      onHead(step);
      break;
    case ParseStatus::Error:
      step.status = Status::Answered;
      step.close = true;
      step.answer = serialize(adminProblem(400, fmt::format("not an HTTP/1.1 request: {} at octet {}",
                                                            name(parser_.fault().error), parser_.fault().offset)),
                              true, false);
      break;
  }
  return step;
}

void AdminDialogue::onHead(Step& step) {
  const RequestHead& head = parser_.head();
  const bool body = head.body == BodyKind::Chunked || (head.body == BodyKind::Length && head.content_length != 0);
  last_ = body || !head.keep_alive;
  if (body) {
    send(step, adminProblem(413, "requests to the admin listener have no body"));
    return;
  }
  if (!desk_.trustsHost(head.host)) {
    send(step, adminProblem(421, "this name is not known here; admin.hosts lists the names that are"));
    return;
  }
  auto query = parseQuery(head.query());
  if (!query) {
    send(step, adminProblem(400, "the query is not well-formed"));
    return;
  }
  query_ = std::move(*query);
  if (head.method == Method::Post) {
    const AdminRequest request{.head = head, .query = {}};
    if (request.field(kActionField).empty()) {
      send(step, adminProblem(403, fmt::format("an action needs the header {}", kActionField)));
      return;
    }
    if (isOtherSites(request)) {
      send(step, adminProblem(403, "an action is not taken from a page of another site"));
      return;
    }
  }
  if (isProbe(head.path())) {
    send(step, desk_.answer({.head = head, .query = std::move(query_)}));
    return;
  }
  step.status = Status::Waits;
}

AdminDialogue::Step AdminDialogue::answer() {
  Step step;
  if (desk_.mayBuffer()) {
    send(step, desk_.answer({.head = parser_.head(), .query = std::move(query_)}));
  } else {
    AdminReply busy = adminProblem(503, "too much output is waiting for slow readers");
    busy.fields.emplace_back("Retry-After", "1");
    send(step, std::move(busy));
  }
  return step;
}

void AdminDialogue::send(Step& step, AdminReply reply) {
  const bool head_only = parser_.head().method == Method::Head;
  step.status = Status::Answered;
  if (reply.stream && !head_only) {
    if (desk_.mayStream()) {
      step.close = true;
      step.answer = serialize(reply, true, false);  // its head has no length
      step.stream = std::move(reply.stream);
      return;
    }
    reply = adminProblem(429, "too many event streams are open");
  }
  step.close = last_;
  step.answer = serialize(reply, step.close, head_only);
  parser_.reset();
}

}  // namespace gatewhy
