// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/event_subject.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <nlohmann/json.hpp>

namespace gatewhy {
namespace {

constexpr std::size_t kLongestToken = 200;

bool isPlainOctet(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// Takes the few values of a subject, and stops at nothing else.
class SubjectReader {
 public:
  explicit SubjectReader(FleetEvent& out) : out_(out) {}

  // nlohmann's SAX interface: depth 1 is the event, "service.instance.id" and
  // "diagnosis.cause" lie deeper.
  bool null() { return true; }
  bool boolean(bool /*value*/) { return true; }
  bool number_integer(std::int64_t /*value*/) { return true; }
  bool number_unsigned(std::uint64_t value) {
    if (depth_ == 1 && key_ == "sequence") {
      out_.sequence = value;
    }
    return true;
  }
  bool number_float(double /*value*/, const std::string& /*text*/) { return true; }
  bool binary(nlohmann::json::binary_t& /*value*/) { return true; }
  bool string(std::string& value) {
    if (depth_ == 1) {
      atTop(value);
    } else if (depth_ == 2 && top_ == "diagnosis" && key_ == "cause") {
      out_.subject.cause = std::move(value);
    } else if (depth_ == 3 && top_ == "service" && second_ == "instance" && key_ == "id") {
      out_.subject.instance = std::move(value);
    }
    return true;
  }
  bool start_object(std::size_t /*size*/) { return enter(); }
  bool end_object() { return leave(); }
  // Elements of lists are nobody's values here: one level deeper than any of them.
  bool start_array(std::size_t /*size*/) {
    key_ = "[]";
    return enter();
  }
  bool end_array() { return leave(); }
  bool key(std::string& name) {
    key_ = std::move(name);
    return true;
  }
  bool parse_error(std::size_t /*at*/, const std::string& /*token*/, const nlohmann::json::exception& /*what*/) {
    return false;
  }

 private:
  bool enter() {
    if (depth_ == 1) {
      top_ = key_;
    } else if (depth_ == 2) {
      second_ = key_;
    }
    ++depth_;
    return true;
  }
  bool leave() {
    --depth_;
    return true;
  }
  void atTop(std::string& value) {
    if (key_ == "event") {
      out_.subject.event = std::move(value);
    } else if (key_ == "origin") {
      out_.subject.origin = std::move(value);
    } else if (key_ == "request_id") {
      out_.subject.request_id = std::move(value);
    } else if (key_ == "boot_id") {
      out_.boot_id = std::move(value);
    }
  }

  FleetEvent& out_;
  int depth_ = 0;
  std::string key_, top_, second_;
};

}  // namespace

std::string subjectToken(std::string_view value) {
  if (value.empty()) {
    return "-";
  }
  if (value == "-") {
    return "%2D";
  }
  std::string out;
  for (const char c : value.substr(0, kLongestToken)) {
    if (isPlainOctet(c)) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string subjectValue(std::string_view token) {
  if (token == "-") {
    return "";
  }
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    unsigned octet = 0;
    if (token[i] == '%' && i + 2 < token.size() &&
        std::from_chars(token.data() + i + 1, token.data() + i + 3, octet, 16).ptr == token.data() + i + 3) {
      out += static_cast<char>(octet);
      i += 2;
    } else {
      out += token[i];
    }
  }
  return out;
}

std::string eventSubject(const SubjectFacts& facts) {
  const std::string shared =
      fmt::format("{}.{}.{}.{}.{}", kSubjectRoot, subjectToken(facts.instance), subjectToken(facts.event),
                  subjectToken(facts.origin), subjectToken(facts.cause));
  return facts.cause.empty() ? shared : fmt::format("{}.{}", shared, subjectToken(facts.request_id));
}

std::string subjectFilter(const SubjectFacts& facts) {
  const auto token = [](const std::string& value) { return value.empty() ? std::string("*") : subjectToken(value); };
  const std::string shared = fmt::format("{}.{}.{}.{}.{}", kSubjectRoot, token(facts.instance), token(facts.event),
                                         token(facts.origin), token(facts.cause));
  if (!facts.request_id.empty()) {
    return fmt::format("{}.{}", shared, subjectToken(facts.request_id));
  }
  if (!facts.cause.empty()) {
    return shared + ".*";
  }
  // With and without a cause, which are of different length.
  return facts.origin.empty() ? fmt::format("{}.{}.{}.>", kSubjectRoot, token(facts.instance), token(facts.event))
                              : fmt::format("{}.{}.{}.{}.>", kSubjectRoot, token(facts.instance), token(facts.event),
                                            token(facts.origin));
}

std::string FleetEvent::messageId() const {
  return fmt::format("{}/{}/{}", subject.instance, boot_id, sequence);
}

FleetEvent fleetEvent(std::string_view line) {
  FleetEvent event;
  SubjectReader reader(event);
  if (!nlohmann::json::sax_parse(line, &reader)) {
    event.subject.event.clear();
  }
  return event;
}

}  // namespace gatewhy
