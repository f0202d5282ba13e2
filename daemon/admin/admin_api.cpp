// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/admin_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "daemon/admin/admin_json.h"
#include "daemon/admin/admin_page.h"
#include "daemon/admin/endpoint_order.h"
#include "daemon/metrics/metrics_page.h"
#include "diagnostics/explain.h"
#include "diagnostics/grpc_status.h"
#include "diagnostics/result.h"

namespace gatewhy {
namespace {

constexpr std::size_t kDefaultLimit = 100;
constexpr std::size_t kMostEvents = 2000;  // as many as are kept
constexpr std::uint16_t kNotReady = 503;

std::optional<std::uint64_t> readNumber(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(number)
                                                                                   : std::nullopt;
}

AdminReply plain(std::uint16_t status, std::string_view text) {
  AdminReply reply;
  reply.status = status;
  reply.body = text;
  return reply;
}

AdminReply json(std::string body) {
  AdminReply reply;
  reply.content_type = kJson;
  reply.body = std::move(body);
  reply.body += '\n';
  return reply;
}

// The parameters cause, origin and request_id; the error says what is wrong.
Result<FailureFilter, std::string> readFilter(const AdminRequest& request) {
  FailureFilter filter;
  if (const auto word = request.parameter("cause")) {
    filter.cause = causeByName(*word);
    if (!filter.cause) {
      const auto near = nearestCauseNames(*word, 1);
      return Failure{fmt::format("unknown cause '{}'{}", *word,
                                 near.empty() ? "" : fmt::format("; did you mean '{}'?", near.front()))};
    }
  }
  if (const auto origin = request.parameter("origin")) {
    filter.origin = std::string(*origin);
  }
  if (const auto id = request.parameter("request_id")) {
    filter.request_id = std::string(*id);
  }
  if (const auto prefix = request.parameter("request_id_prefix")) {
    filter.request_id_prefix = std::string(*prefix);
  }
  return filter;
}

// A number of events; the error says what is wrong.
Result<std::size_t, std::string> readCount(const AdminRequest& request, std::string_view name, std::size_t fallback) {
  const auto text = request.parameter(name);
  if (!text) {
    return fallback;
  }
  const auto number = readNumber(*text);
  if (!number || *number == 0) {
    return Failure{fmt::format("'{}' must be a number from 1 to {}", name, kMostEvents)};
  }
  return static_cast<std::size_t>(std::min<std::uint64_t>(*number, kMostEvents));
}

}  // namespace

// To add an endpoint: a row here, its handler, and a section in docs/admin-api.md.
const AdminApi::Row AdminApi::kRows[] = {
    {Method::Get, "/healthz", &AdminApi::health, ""},
    {Method::Get, "/readyz", &AdminApi::ready, ""},
    {Method::Get, "/metrics", &AdminApi::metrics, ""},
    {Method::Get, "/api/v1/status", &AdminApi::status, ""},
    {Method::Get, "/api/v1/origins", &AdminApi::origins, ""},
    {Method::Get, "/api/v1/history", &AdminApi::history, ""},
    {Method::Get, "/api/v1/events", &AdminApi::events, "since|cause|origin|request_id|request_id_prefix|limit|of_each"},
    {Method::Get, "/api/v1/events/stream", &AdminApi::eventStream, "since|cause|origin|request_id|request_id_prefix"},
    {Method::Get, "/api/v1/causes", &AdminApi::causes, ""},
    {Method::Post, "/api/v1/reload", &AdminApi::reload, ""},
    {Method::Post, "/api/v1/endpoints", &AdminApi::endpoints, "origin|endpoint"},
    {Method::Get, "/api/v1", &AdminApi::index, ""},
    {Method::Get, "/", &AdminApi::page, ""},
    {Method::Get, "/page.css", &AdminApi::page, ""},
    {Method::Get, "/page.js", &AdminApi::page, ""},
    {Method::Get, "/icon.svg", &AdminApi::page, ""},
};

AdminReply AdminApi::answer(const AdminRequest& request) {
  const std::string_view path = request.head.path();
  const Method method = request.head.method == Method::Head ? Method::Get : request.head.method;
  const auto of_path = [&](const Row& row) { return row.path == path; };
  const Row* const row = std::find_if(std::begin(kRows), std::end(kRows), of_path);
  if (row == std::end(kRows)) {
    return adminProblem(404, "there is no such page; /api/v1 lists them");
  }
  if (row->method != method) {
    AdminReply reply = adminProblem(405, "this method is not supported here");
    reply.fields.emplace_back("Allow", row->method == Method::Get ? "GET, HEAD" : "POST");
    return reply;
  }
  for (const auto& [key, value] : request.query) {
    const std::string bars = fmt::format("|{}|", row->parameters);
    if (key.empty() || key.find('|') != std::string::npos || bars.find(fmt::format("|{}|", key)) == std::string::npos) {
      return adminProblem(400, fmt::format("unknown parameter '{}'{}", key,
                                           row->parameters.empty() ? std::string("; there are none here")
                                                                   : fmt::format("; possible: {}", row->parameters)));
    }
  }
  return (this->*row->handler)(request);
}

void AdminApi::onTick() {
  history_.sample(totalsOf(daemon_.metrics), std::chrono::system_clock::now());
}

AdminReply AdminApi::health(const AdminRequest& /*request*/) {
  return plain(200, "alive\n");
}

// Whether a balancer should send clients here. What origins do is no part of
// it: a gateway that takes itself out with its origin only adds to the outage.
AdminReply AdminApi::ready(const AdminRequest& /*request*/) {
  switch (daemon_.readiness.load()) {
    case Readiness::Starting:
      return plain(kNotReady, "starting\n");
    case Readiness::Ready:
      return plain(200, "ready\n");
    case Readiness::Draining:
      return plain(kNotReady, "draining\n");
  }
  return plain(kNotReady, "");
}

AdminReply AdminApi::metrics(const AdminRequest& request) {
  const MetricsFormat format = negotiateMetrics(request.head.valueOf(FieldId::Accept));
  AdminReply reply;
  reply.content_type = contentType(format);
  reply.body = metricsPage(daemon_, history_, listenerCertificates(*daemon_.generation()), series_, format);
  return reply;
}

// Asks for it and says which reload is awaited: how it went is in
// /api/v1/status, once its `reloads` is no less than that.
AdminReply AdminApi::reload(const AdminRequest& /*request*/) {
  // One that is running may have read the file before it was changed.
  const std::uint64_t awaited = daemon_.lastReload().number + (daemon_.reloading ? 2 : 1);
  daemon_.request_reload();
  AdminReply reply = json(fmt::format("{{\"reload\":{}}}", awaited));
  reply.status = 202;
  return reply;
}

// Takes endpoints out of use, or back; in force when the answer comes.
AdminReply AdminApi::endpoints(const AdminRequest& request) {
  const auto order = readEndpointOrder(request);
  if (!order) {
    return adminProblem(400, order.error());
  }
  const auto done = carryOut(*order, *daemon_.generation(), daemon_.tell);
  return done ? json(*done) : adminProblem(404, done.error());
}

AdminReply AdminApi::status(const AdminRequest& /*request*/) {
  return json(statusJson(daemon_, listenerCertificates(*daemon_.generation())));
}

AdminReply AdminApi::origins(const AdminRequest& /*request*/) {
  return json(originsJson(daemon_, history_));
}

AdminReply AdminApi::history(const AdminRequest& /*request*/) {
  onTick();  // up to now
  return json(historyJson(history_));
}

AdminReply AdminApi::events(const AdminRequest& request) {
  const auto filter = readFilter(request);
  if (!filter) {
    return adminProblem(400, filter.error());
  }
  const auto limit = readCount(request, "limit", kDefaultLimit);
  const auto of_each = readCount(request, "of_each", kMostEvents);
  if (!limit || !of_each) {
    return adminProblem(400, limit ? of_each.error() : limit.error());
  }
  const auto since = request.parameter("since");
  if (!since) {
    return json(eventsJson(daemon_.failures.newest(*filter, *limit, *of_each)));
  }
  if (request.parameter("of_each")) {
    return adminProblem(400, "'of_each' is about the newest events; it cannot be combined with 'since'");
  }
  if (const auto id = readNumber(*since)) {
    return json(eventsJson(daemon_.failures.after(*id, *filter, *limit)));
  }
  if (const auto time = readTimestamp(*since)) {
    return json(eventsJson(daemon_.failures.startedSince(*time, *filter, *limit)));
  }
  return adminProblem(400, "'since' must be the id of an event, or a time in UTC such as 2026-01-31T23:59:59Z");
}

// From `since` or, where a browser connects again by itself, Last-Event-ID on;
// without either, from now on.
AdminReply AdminApi::eventStream(const AdminRequest& request) {
  auto filter = readFilter(request);
  if (!filter) {
    return adminProblem(400, filter.error());
  }
  const std::string_view last = request.field("Last-Event-ID");
  const auto since = last.empty() ? request.parameter("since") : std::optional(last);
  const auto id = since ? readNumber(*since) : std::optional(daemon_.failures.lastId());
  if (!id) {
    return adminProblem(400, "'since' must be the id of an event");
  }
  AdminReply reply;
  reply.content_type = "text/event-stream";
  reply.stream = EventStreamStart{.since = *id, .filter = std::move(filter).value()};
  return reply;
}

AdminReply AdminApi::causes(const AdminRequest& /*request*/) {
  std::string body = "{\"causes\":[";
  for (const CauseInfo& row : allCauses()) {
    body += body.back() == '[' ? "\n" : ",\n";
    body += causeJson(row.cause);
  }
  body += "\n],\"grpc_statuses\":[";
  for (const GrpcStatusInfo& row : allGrpcStatuses()) {
    body += fmt::format("{}\"{}\"", body.back() == '[' ? "" : ",", row.name);
  }
  return json(body + "]}");
}

AdminReply AdminApi::index(const AdminRequest& /*request*/) {
  std::string body = "{\"paths\":[";
  for (const Row& row : kRows) {
    body += fmt::format("{}\"{}\"", body.back() == '[' ? "" : ",", row.path);
  }
  return json(body + "]}");
}

AdminReply AdminApi::page(const AdminRequest& request) {
  const auto files = pageFiles();
  const auto file = std::find_if(files.begin(), files.end(),
                                 [&](const PageFile& candidate) { return candidate.path == request.head.path(); });
  AdminReply reply;
  reply.content_type = file->content_type;
  reply.body = file->content;
  return reply;
}

}  // namespace gatewhy
