// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/health_event.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace gatewhy {
namespace {

LifecycleEvent::Fact textFact(std::string_view key, std::string text) {
  return {.key = key, .text = std::move(text), .number = {}, .list = {}};
}

LifecycleEvent::Fact numberFact(std::string_view key, double number) {
  return {.key = key, .text = {}, .number = number, .list = {}};
}

LifecycleEvent::Fact listFact(std::string_view key, std::vector<std::string> list) {
  return {.key = key, .text = {}, .number = {}, .list = std::move(list)};
}

std::string secondsText(double span_ms) {
  return fmt::format("{:g} s", span_ms / 1000);
}

std::string sentenceOf(const Diagnosis* diagnosis) {
  return diagnosis == nullptr ? std::string() : diagnosis->summary;
}

}  // namespace

void tellHealthChange(const Teller& tell, const OriginConfig& origin, const OriginHost& host, HealthChange change,
                      const Diagnosis* diagnosis, TimePoint now) {
  const std::string who = nameOf(origin, host);
  EndpointState& state = *host.state;
  const auto why = state.health.why(now);
  std::string message;
  LifecycleEvent event;
  event.event = "health";
  event.diagnosis = diagnosis;
  event.facts = {textFact("origin", origin.name), textFact("endpoint", origin.endpoints[host.endpoint].url)};
  if (host.address) {
    event.facts.push_back(textFact("address", host.address_text));
  }
  const auto add = [&](std::string_view new_state, HealthSource source) {
    event.facts.push_back(textFact("state", std::string(new_state)));
    event.facts.push_back(textFact("source", std::string(name(source))));
    if (diagnosis != nullptr) {
      event.facts.push_back(textFact("cause", std::string(name(diagnosis->cause))));
      state.words.say(source, diagnosis->summary);
    }
  };
  switch (change) {
    case HealthChange::None:
      return;
    case HealthChange::Ejected: {
      const double span = why && why->until ? std::round(millisBetween(now, *why->until)) : 0;
      event.event = "eject";
      event.severity = "WARN";
      message = fmt::format("{} is out of use for {}: {}", who, secondsText(span), sentenceOf(diagnosis));
      add("ejected", HealthSource::Passive);
      event.facts.push_back(numberFact("for_ms", span));
      event.facts.push_back(numberFact("ejections_in_row", state.health.ejectionsInRow()));
      break;
    }
    case HealthChange::Recovered:
      message = fmt::format("{} answers requests again", who);
      add("up", HealthSource::Passive);
      break;
    case HealthChange::Up:
      message = fmt::format("{} passes its check", who);
      add("up", HealthSource::Check);
      break;
    case HealthChange::Down:
      event.severity = "ERROR";
      message = fmt::format("{} is out of use, since it fails its check: {}", who, sentenceOf(diagnosis));
      add("down", HealthSource::Check);
      break;
  }
  event.message = message;
  tell(event);
}

void tellHosts(const Teller& tell, const OriginConfig& origin, std::size_t endpoint, const HostChange& change) {
  const std::string& url = origin.endpoints[endpoint].url;
  const std::string message = change.hosts == 0 ? fmt::format("{} is one host now", url)
                                                : fmt::format("{} has {} addresses, each a host", url, change.hosts);
  LifecycleEvent event;
  event.event = "hosts";
  event.message = message;
  event.facts = {textFact("origin", origin.name), textFact("endpoint", url),
                 numberFact("hosts", static_cast<double>(change.hosts))};
  for (const auto& [key, texts] : {std::pair("joined", &change.joined), std::pair("left", &change.left)}) {
    if (!texts->empty()) {
      event.facts.push_back(listFact(key, *texts));
    }
  }
  tell(event);
}

void tellDrain(const Teller& tell, const std::string& origin, const std::string& url, bool drained) {
  const std::string message = fmt::format("{} is {}, as an operator asked", url,
                                          drained ? "drained: it gets no new requests" : "ready for requests again");
  LifecycleEvent event;
  event.event = "health";
  event.message = message;
  event.facts = {textFact("origin", origin), textFact("endpoint", url),
                 textFact("state", drained ? "drained" : "ready"),
                 textFact("source", std::string(name(HealthSource::Drain)))};
  tell(event);
}

void tellPanic(const Teller& tell, const OriginConfig& origin, const PanicChange& change) {
  const std::string message =
      change.begins
          ? fmt::format("{} of {} endpoints are not ejected, less than panic ({}%): ejections are ignored",
                        change.in_use, change.allowed, origin.panic_percent)
          : fmt::format("{} of {} endpoints are not ejected: ejections count again", change.in_use, change.allowed);
  LifecycleEvent event;
  event.event = "health";
  event.severity = change.begins ? "WARN" : "INFO";
  event.message = message;
  event.facts = {textFact("origin", origin.name), textFact("state", change.begins ? "panic" : "panic_over"),
                 textFact("source", std::string(name(HealthSource::Passive))), numberFact("in_use", change.in_use),
                 numberFact("allowed", change.allowed)};
  tell(event);
}

}  // namespace gatewhy
