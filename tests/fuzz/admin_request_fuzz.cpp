// SPDX-License-Identifier: Apache-2.0
// Any octets on a connection of the admin listener, answered by the real API:
// well-formed responses however the octets are split, JSON where it says so,
// nothing for pages of other sites, and no reload without the header for it.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "config/load.h"
#include "daemon/admin/admin_api.h"
#include "daemon/admin/admin_dialogue.h"
#include "diagnostics/octets.h"
#include "proxy/http/h1_parser.h"
#include "require.h"

namespace gatewhy::fuzz {
namespace {

// The daemon that is asked, with some failures to show.
class World {
 public:
  World() {
    const auto loaded = loadConfig(kConfig, "fuzz.yaml", [](const std::string&) { return std::nullopt; });
    require(loaded.config != nullptr, "the configuration is one");
    auto generation = Generation::create(loaded.config, states_);
    require(static_cast<bool>(generation), "and is usable");
    view.setGeneration(*generation);
    auto log = EventLog::open({.destination = "/dev/null"});
    require(static_cast<bool>(log), "there is a log");
    log_ = std::move(log).value();
    view.log = log_.get();
    view.config_file = "/etc/gatewhy/\"fuzz\".yaml";
    view.metrics.push_back(std::make_unique<WorkerMetrics>());
    view.count_parked = [] { return std::vector<ParkedCount>(); };
    view.request_reload = [this] { ++reloads; };
    for (const char* id : {"one", "\x1b[31mtwo", "three\xe2\x80\xae"}) {
      addFailure(id);
    }
  }

  DaemonView view;
  int reloads = 0;

 private:
  static constexpr std::string_view kConfig =
      "listeners: [{address: \"127.0.0.1:8080\"}]\n"
      "origins: {shop: {endpoints: [\"http://127.0.0.1:3000\", \"http://shop.example:80\"]}}\n";

  void addFailure(std::string_view id) {
    Diagnosis diagnosis;
    diagnosis.cause = Cause::ConnectionRefused;
    diagnosis.status = 521;
    ExchangeEvent event;
    event.timestamp = std::chrono::system_clock::now();
    event.request_id = id;
    event.origin = "shop";
    event.outcome = Outcome::Failure;
    event.diagnosis = &diagnosis;
    std::string line;
    appendJson(line, event);
    view.failures.add(event, line);
  }

  SharedStates states_;
  std::unique_ptr<EventLog> log_;
};

class Desk final : public AdminDesk {
 public:
  Desk(AdminApi& api, unsigned flags) : api_(api), flags_(flags) {}
  AdminReply answer(const AdminRequest& request) override {
    require(trustsHost(request.head.host), "only who names this machine is answered");
    require(request.head.method != Method::Post || !request.field("X-Gatewhy-Action").empty(),
            "an action comes with its header");
    ++answered;
    return api_.answer(request);
  }
  [[nodiscard]] bool trustsHost(std::string_view host) const override { return isTrustedHost(host, names_); }
  [[nodiscard]] bool mayStream() const override { return (flags_ & 1U) != 0; }
  [[nodiscard]] bool mayBuffer() const override { return (flags_ & 2U) != 0; }

  int answered = 0;

 private:
  AdminApi& api_;
  unsigned flags_;
  std::vector<std::string> names_{"gateway.example"};
};

// What a client sees of an answer; times and counts in its body may differ.
struct Seen {
  std::uint16_t status = 0;
  std::string type;
  bool close = false, streams = false;
  bool operator==(const Seen&) const = default;
};

std::string headOf(const ResponseHead& head, std::string_view name) {
  std::string value;
  int count = 0;
  for (const Field& field : head.fields) {
    if (equalsIgnoreCase(head.name(field), name)) {
      value = head.value(field);
      ++count;
    }
  }
  require(count <= 1, "a field stands once");
  return value;
}

Seen readAnswer(const AdminDialogue::Step& step, int& answers_to_head) {
  ResponseParser parser({});
  const ParseStep parsed = parser.feed(step.answer);
  require(parsed.status == ParseStatus::Done, "an answer has a head");
  const ResponseHead& head = parser.head();
  const std::string_view body = std::string_view(step.answer).substr(parsed.consumed);
  Seen seen{.status = head.status,
            .type = headOf(head, "Content-Type"),
            .close = step.close,
            .streams = step.stream.has_value()};
  require(!seen.type.empty(), "an answer says what it is");
  require(headOf(head, "X-Content-Type-Options") == "nosniff", "nothing is sniffed");
  require(headOf(head, "Content-Security-Policy").starts_with("default-src 'none'"), "nothing is loaded");
  require(headOf(head, "Access-Control-Allow-Origin").empty(), "other sites read nothing");
  require((headOf(head, "Connection") == "close") == step.close, "the end is announced");
  if (step.stream) {
    require(step.close && body.empty() && !head.has_content_length, "a stream's head has no length");
    return seen;
  }
  if (body.empty() && (!head.has_content_length || head.content_length != 0)) {
    ++answers_to_head;
    return seen;
  }
  require(head.has_content_length && head.content_length == body.size(), "the length is the body's");
  if (seen.type == kJson || seen.type == "application/problem+json") {
    require(nlohmann::json::accept(body), "JSON where it says so");
  }
  return seen;
}

int headsIn(std::string_view bytes) {
  int count = 0;
  for (std::size_t at = bytes.find("HEAD "); at != std::string_view::npos; at = bytes.find("HEAD ", at + 1)) {
    ++count;
  }
  return count;
}

// All answers to `bytes`, read `size` octets at a time.
std::vector<Seen> ask(AdminDesk& desk, const std::string_view all_bytes, std::size_t size) {
  std::string_view bytes = all_bytes;
  AdminDialogue dialogue(desk);
  std::vector<Seen> all;
  std::string input;
  int answers_to_head = 0;
  bool over = false;
  while (!over && (!bytes.empty() || !input.empty())) {
    input += bytes.substr(0, size);
    bytes.remove_prefix(std::min(size, bytes.size()));
    while (!input.empty() && !over) {
      const std::vector<char> exact(input.begin(), input.end());
      AdminDialogue::Step step = dialogue.take({exact.data(), exact.size()});
      require(step.consumed <= input.size(), "no more than came");
      input.erase(0, step.consumed);
      switch (step.status) {
        case AdminDialogue::Status::NeedMore:
          require(step.answer.empty() && !step.close && !step.stream, "only an answer ends a dialogue");
          require(input.empty(), "what is no request yet is taken whole");
          continue;
        case AdminDialogue::Status::Waits:
          step = dialogue.answer();
          break;
        case AdminDialogue::Status::Answered:
          break;
      }
      require(step.status == AdminDialogue::Status::Answered, "who waits is answered");
      require(!dialogue.inRequest() || step.close, "an answer ends its request");
      all.push_back(readAnswer(step, answers_to_head));
      over = step.close;
    }
  }
  require(answers_to_head <= headsIn(all_bytes), "who asks for a body gets it");
  return all;
}

bool holds(std::string_view bytes, std::string_view word) {  // in any case of letters
  return std::search(bytes.begin(), bytes.end(), word.begin(), word.end(), [](char a, char b) {
           return gatewhy::octets::lower(a) == gatewhy::octets::lower(b);
         }) != bytes.end();
}

}  // namespace
}  // namespace gatewhy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gatewhy;
  using namespace gatewhy::fuzz;
  static World world;
  static AdminApi api(world.view);
  if (size < 2) {
    return 0;
  }
  const std::string_view bytes = asText(data + 2, std::min<std::size_t>(size - 2, 20000));
  Desk desk(api, data[0]);
  world.reloads = 0;
  const std::vector<Seen> whole = ask(desk, bytes, bytes.size());
  const int reloads = world.reloads;
  const int answered = desk.answered;
  require(static_cast<std::size_t>(answered) <= whole.size(), "a request is answered once");
  require(reloads == 0 || (holds(bytes, "X-Gatewhy-Action:") && bytes.find("POST ") != std::string_view::npos),
          "a reload is asked for");
  // One octet at a time costs a step each: for what is short.
  const std::size_t part = bytes.size() < 512 ? data[1] % 16U + 1 : data[1] + 64U;
  require(ask(desk, bytes, part) == whole, "every split says the same");
  require(world.reloads == 2 * reloads && desk.answered == 2 * answered, "and does the same");
  return 0;
}
