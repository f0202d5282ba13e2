// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/load_parts.h"
#include "config/log_place.h"
#include "config/section.h"

namespace gatewhy {
namespace {

std::string destinationComplaint(const std::string& destination) {
  const auto place = parseLogPlace(destination);
  return place ? std::string() : place.error();
}

bool isPath(const std::string& destination) {
  const auto place = parseLogPlace(destination);
  return place && place->kind == LogKind::File;
}

std::string redactComplaint(const std::string& text) {
  const auto plain = [](char c) { return c > ' ' && c < 0x7F && c != '&' && c != '=' && c != ':'; };
  return !text.empty() && std::all_of(text.begin(), text.end(), plain)
             ? std::string()
             : fmt::format("'{}' is not a name; write one, where '*' stands for any characters: token, \"*key*\"",
                           text);
}

void readRedact(Reader& reader, Section& section, LogConfig& log) {
  RedactionRules rules;
  const auto names = [&](std::string_view key, std::vector<std::string>& out) {
    std::vector<std::string> read;
    for (const ReadValue& item : section.list(key)) {
      if (auto name = readText(reader, item, redactComplaint)) {
        read.push_back(*std::move(name));
      }
    }
    if (section.has(key)) {
      out = std::move(read);
    }
  };
  names("query", rules.query);
  names("headers", rules.headers);
  log.redaction = Redaction(rules);
}

void readLogTls(Reader& reader, Section& section, LogTarget& target) {
  LogTls& tls = target.tls.emplace();
  section.read("ca_file", tls.ca_file);
  section.read("certificate", tls.certificate);
  section.read("key", tls.key);
  if (tls.certificate.empty() != tls.key.empty()) {
    reader.error(section.at(), "'tls.certificate' and 'tls.key' need each other");
  }
}

// What a destination of this kind has no use for is a mistake.
void judgeTarget(Reader& reader, Section& section, const LogTarget& target) {
  const auto place = parseLogPlace(target.to);
  if (!place) {
    return;
  }
  if (onlyJson(place->kind) && target.format != LogFormat::Auto && target.format != LogFormat::Json &&
      section.has("format")) {
    reader.error(section.at("format"), fmt::format("{} takes events as json only", place->name));
  }
  const bool logs_in = place->kind == LogKind::Nats || place->kind == LogKind::Otlp;
  if (!logs_in && section.has("credentials")) {
    reader.error(section.at("credentials"), "'credentials' are for nats:// and otlp+http://");
  }
  if (!logs_in && section.has("tls")) {
    reader.error(section.at("tls"), "'tls' is for nats:// and otlp+https://");
  }
  if (!target.spool.directory.empty() && !isRemote(place->kind)) {
    reader.error(section.at("spool"), "'spool.directory' is for destinations in the network");
  }
}

LogTarget readTarget(Reader& reader, const ReadValue& item, const LogTarget& general) {
  LogTarget target = general;
  const auto take = [&](const std::string& to, int file) { target.to = isPath(to) ? reader.besideFile(to, file) : to; };
  if (item.node->kind == YamlNode::Kind::Scalar) {
    if (const auto to = readText(reader, item, destinationComplaint)) {
      take(*to, item.node->at.file);
    }
    return target;
  }
  auto section = Section::open(reader, item);
  if (!section) {
    return target;
  }
  std::string to;
  if (section->read("to", to, destinationComplaint)) {
    take(to, section->at("to").file);
  }
  section->readWord("format", target.format);
  section->read("credentials", target.credentials);
  if (auto tls = section->section("tls")) {
    readLogTls(reader, *tls, target);
  }
  if (auto spool = section->section("spool")) {
    spool->read("directory", target.spool.directory);
    spool->read("size", target.spool.size);
  }
  section->read("stop_timeout", target.stop_timeout);
  if (auto sample = section->section("sample")) {
    sample->read("success", target.success_percent);
  }
  judgeTarget(reader, *section, target);
  return target;
}

void readTargets(Reader& reader, Section& section, LogConfig& log, const LogTarget& general) {
  log.targets.clear();
  for (const ReadValue& item : section.list("destination")) {
    LogTarget target = readTarget(reader, item, general);
    const auto same = [&target](const LogTarget& other) {
      return other.to == target.to ||
             (!target.spool.directory.empty() && other.spool.directory == target.spool.directory);
    };
    if (std::any_of(log.targets.begin(), log.targets.end(), same)) {
      reader.error(item.node->at, "another destination has the same place or the same spool already");
    }
    log.targets.push_back(std::move(target));
  }
  if (log.targets.empty()) {
    log.targets.push_back(general);
  }
}

}  // namespace

void readLog(Reader& reader, Section& section, LogConfig& log) {
  LogTarget general;
  section.readWord("format", general.format);
  if (auto sample = section.section("sample")) {
    sample->read("success", general.success_percent);
  }
  if (section.isList("destination")) {
    readTargets(reader, section, log, general);
  } else {
    std::string to;
    if (section.read("destination", to, destinationComplaint)) {
      general.to = isPath(to) ? reader.besideFile(to) : to;
    }
    log.targets = {std::move(general)};
  }
  std::size_t exchanges = 0;
  if (section.readWord("exchanges", exchanges)) {
    log.failures_only = exchanges == 1;
  }
  section.readWord("level", log.level);
  if (auto redact = section.section("redact")) {
    readRedact(reader, *redact, log);
  }
}

}  // namespace gatewhy
