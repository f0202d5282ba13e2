// SPDX-License-Identifier: Apache-2.0
// What nginx, Apache httpd, Node and Python's http.server answer when nothing
// is wrong (recorded by tests/healthy/record.py) goes through parser, decoder
// and lint, and nothing is found. Where such a server does break a rule, it is
// listed here, by name.
#include <gtest/gtest.h>

#include <charconv>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/exchange/response_check.h"
#include "proxy/http/h1_parser.h"

namespace gatewhy {
namespace {

struct Recorded {
  std::string title, request, response;
};

struct Recording {
  std::string server;  // "nginx 1.22.1"
  std::chrono::system_clock::time_point when;
  std::vector<Recorded> rows;
};

Recording read(const std::string& server) {
  std::ifstream file(GATEWHY_SOURCE_DIR "/tests/healthy/" + server + ".http", std::ios::binary);
  Recording recording;
  std::string line;
  std::getline(file, line);
  const std::size_t comma = line.find(", ");
  EXPECT_TRUE(line.starts_with("server " + server + " ")) << line;
  recording.server = line.substr(7, comma - 7);
  recording.when = std::chrono::system_clock::time_point(std::chrono::seconds(std::stoll(line.substr(comma + 2))));
  while (std::getline(file, line)) {
    Recorded row;
    row.title = line;
    std::size_t request_size = 0;
    std::size_t response_size = 0;
    file >> request_size >> response_size;
    file.ignore(1);
    row.request.resize(request_size);
    row.response.resize(response_size);
    file.read(row.request.data(), static_cast<std::streamsize>(request_size));
    file.read(row.response.data(), static_cast<std::streamsize>(response_size));
    file.ignore(1);
    EXPECT_TRUE(file.good()) << row.title;
    recording.rows.push_back(std::move(row));
  }
  return recording;
}

std::string findingNames(FindingSet set) {
  std::string out;
  for (const Finding finding : set) {
    out.append(out.empty() ? "" : " ").append(name(finding));
  }
  return out;
}

// Feeds heads until the final one; what follows it.
std::string_view parseHeads(ResponseParser& parser, const RequestHead& request, std::string_view bytes,
                            ResponseCheck& check) {
  while (true) {
    parser.reset();
    parser.expect(request.method);
    const ParseStep step = parser.feed(bytes);
    EXPECT_EQ(step.status, ParseStatus::Done) << "the head is refused";
    bytes.remove_prefix(step.consumed);
    if (step.status != ParseStatus::Done || parser.head().status >= 200) {
      return bytes;
    }
    check.interim(parser.head());
  }
}

FindingSet replay(const Recorded& row, std::chrono::system_clock::time_point when) {
  RequestParser request{HeadLimits{}};
  EXPECT_EQ(request.feed(row.request).status, ParseStatus::Done) << "the request is refused";
  ResponseCheck check(true);
  ResponseParser parser{HeadLimits{}};
  std::string_view rest = parseHeads(parser, request.head(), row.response, check);
  const ResponseHead& head = parser.head();
  check.head(request.head(), RouteConfig{}, head, when);
  BodyDecoder decoder;
  decoder.start(head.body, head.content_length);
  while (!decoder.done() && !rest.empty()) {
    const BodyDecoder::Step step = decoder.feed(rest);
    EXPECT_NE(step.status, ParseStatus::Error) << "the body is refused";
    rest.remove_prefix(step.consumed);
  }
  EXPECT_TRUE(decoder.finish()) << "the body is not complete";
  check.end(decoder.received(), !rest.empty());
  return check.found();
}

// A rule that a server in good health breaks, and where.
struct Known {
  std::string_view server, title, findings;
};
constexpr Known kKnown[] = {
    // nginx refuses methods without saying which there are.
    {"nginx", "options", "405_without_allow"},
    {"nginx", "post to a file", "405_without_allow"},
    {"nginx", "put to a file", "405_without_allow"},
    {"nginx", "delete a file", "405_without_allow"},
    {"nginx", "unknown method", "405_without_allow"},
    {"apache", "range behind the end", "416_without_content_range"},
    // What Node answers to bytes that it cannot parse.
    {"node", "unknown method", "date_missing"},
};

std::string knownOf(const std::string& server, const std::string& title) {
  for (const Known& known : kKnown) {
    if (server.starts_with(known.server) && title == known.title) {
      return std::string(known.findings);
    }
  }
  return "";
}

TEST(HealthyResponses, NothingIsFound) {
  std::size_t healthy = 0;
  for (const char* server : {"nginx", "apache", "node", "python"}) {
    const Recording recording = read(server);
    for (const Recorded& row : recording.rows) {
      SCOPED_TRACE(recording.server + ": " + row.title);
      const std::string known = knownOf(recording.server, row.title);
      EXPECT_EQ(findingNames(replay(row, recording.when)), known)
          << row.request << row.response.substr(0, row.response.find("\r\n\r\n"));
      healthy += known.empty() ? 1 : 0;
    }
  }
  EXPECT_GE(healthy, 200U);
}

}  // namespace
}  // namespace gatewhy
