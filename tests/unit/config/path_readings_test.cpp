// SPDX-License-Identifier: Apache-2.0
#include "config/path_readings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace gatewhy {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A row of tests/spellings.tsv: a path as sent, and what servers make of it.
struct Spelling {
  std::string sent;
  std::vector<std::string> read;  // paths; a server that refuses has none
};

std::vector<Spelling> spellings() {
  std::ifstream file(GATEWHY_SOURCE_DIR "/tests/spellings.tsv");
  std::vector<Spelling> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') {
      continue;
    }
    std::istringstream cells(line);
    Spelling row;
    std::getline(cells, row.sent, '\t');
    for (std::string cell; std::getline(cells, cell, '\t');) {
      if (cell.starts_with('/')) {
        row.read.push_back(cell);
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

bool refusedAnyway(const PathReadings& readings) {
  return readings.climbs || readings.has_nul || readings.too_many;
}

// The table writes what is not printable as \xXX, one letter an octet.
std::string printable(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const auto octet = static_cast<unsigned char>(c);
    constexpr std::string_view kDigits = "0123456789abcdef";
    if (octet <= 0x20 || octet >= 0x7f) {
      out.append("\\x");
      out.push_back(kDigits[octet / 16]);
      out.push_back(kDigits[octet % 16]);
    } else {
      out.push_back(c);
    }
  }
  return out;
}

TEST(PathReadings, HoldWhatServersMakeOfEachSpelling) {
  const auto rows = spellings();
  ASSERT_GE(rows.size(), 60U);
  for (const Spelling& row : rows) {
    const PathReadings readings = readingsOf(row.sent);
    std::vector<std::string> shown;
    for (const std::string& text : readings.texts) {
      shown.push_back(printable(text));
    }
    for (const std::string& read : row.read) {
      if (!refusedAnyway(readings)) {
        EXPECT_THAT(shown, Contains(read)) << row.sent;
      }
    }
  }
}

TEST(PathReadings, NothingUnusualIsOneReading) {
  for (const char* path : {"/", "/a/b", "/a.b/c", "/a..b/c..", "/a/b/", "/-._~!$&'()*+,=:@", "*", "/int"}) {
    EXPECT_FALSE(hasSeveralReadings(path)) << path;
  }
  for (const char* path : {"/%61", "/a;b", "/a\\b", "//a", "/a//b", "/.", "/a/.b", "/a/..", "/%"}) {
    EXPECT_TRUE(hasSeveralReadings(path)) << path;
  }
}

TEST(PathReadings, AsSentComesFirstAndEachOnce) {
  EXPECT_THAT(readingsOf("/a;v=1/b").texts, ElementsAre("/a;v=1/b", "/a/b"));
  EXPECT_THAT(readingsOf("/caf%c3%A9").texts, ElementsAre("/caf\xC3\xA9"));
  EXPECT_THAT(readingsOf("/group%2fname").texts, ElementsAre("/group%2Fname", "/group/name"));
  EXPECT_THAT(readingsOf("/a/b.c/..d").texts, ElementsAre("/a/b.c/..d"));
}

TEST(PathReadings, AreDecodedOnce) {
  EXPECT_THAT(readingsOf("/%2569nt/x").texts, ElementsAre("/%2569nt/x", "/%69nt/x"));
  EXPECT_THAT(readingsOf("/%%36%39nt").texts, ElementsAre("/%%36%39nt", "/%69nt"));
}

TEST(PathReadings, MalformedEscapesStayAsTheyAre) {
  for (const char* path : {"/%", "/%6", "/%zz", "/a%2", "/%g1/x", "/%u12"}) {
    EXPECT_THAT(readingsOf(path).texts, ElementsAre(path));
  }
}

TEST(PathReadings, ClimbingIsSeenInAnySpelling) {
  for (const char* path :
       {"/..", "/../a", "/a/../..", "/a/%2e%2e/%2E./x", "/..%2fx", "/%2e%2e%5cx", "/..;/x", "/..;a=b/x", "/\\..\\..\\x",
        "/a/..\\..\\x", "/.%2e/x", "/a/..;/..;/x", "/a/..%3b/..%3b/x", "/%c0%ae%c0%ae/x", "/a//../../../x"}) {
    EXPECT_TRUE(readingsOf(path).climbs) << path;
  }
  for (const char* path : {"/a/..", "/a/../b", "/a/./b/../c", "/...", "/..a/b", "/a..", "//a/../b", "/a/...;/b"}) {
    EXPECT_FALSE(readingsOf(path).climbs) << path;
  }
}

TEST(PathReadings, ANulIsSeen) {
  EXPECT_TRUE(readingsOf("/a%00").has_nul);
  EXPECT_TRUE(readingsOf("/a/%c0%80/b").has_nul);
  EXPECT_FALSE(readingsOf("/a%2500").has_nul);
}

TEST(PathReadings, TheirNumberIsBounded) {
  std::string hostile;
  while (hostile.size() < 30000) {
    hostile += "//a;b/%2e%2e/..;\\c%5c%3b%2f/./%252f";
  }
  EXPECT_TRUE(refusedAnyway(readingsOf(hostile)));
  std::string honest;
  while (honest.size() < 16000) {
    honest += "/%E6%97%A5%E6%9C%AC%20a.b";
  }
  EXPECT_FALSE(refusedAnyway(readingsOf(honest)));
}

TEST(PathReadings, ThePlainPathHasOneReading) {
  EXPECT_EQ(plainPath("/a/%2e%2e//%69nt;v=1\\x%2fy"), "/int/x/y");
  for (const auto& row : spellings()) {
    const PathReadings readings = readingsOf(row.sent);
    if (refusedAnyway(readings)) {
      continue;
    }
    const std::string plain = plainPath(row.sent);
    EXPECT_EQ(plainPath(plain), plain.find("%25") == std::string::npos ? plain : plainPath(plain)) << row.sent;
    EXPECT_FALSE(readingsOf(plain).climbs) << row.sent;
  }
}

TEST(PathReadings, NormalByTheRfc) {
  EXPECT_EQ(rfcNormalPath("/a/./b/../%7Ec"), "/a/~c");
  EXPECT_EQ(rfcNormalPath("/a/b/."), "/a/b/");
  EXPECT_EQ(rfcNormalPath("/a/b/.."), "/a/");
  EXPECT_EQ(rfcNormalPath("/a%2Fb//c;d"), "/a%2Fb//c;d");
  EXPECT_EQ(rfcNormalPath("/%%36%39nt%"), "/%2569nt%25") << "no escape comes out that did not go in";
}

TEST(PathReadings, PrefixesAreSegments) {
  for (const char* prefix : {"/api", "/api/"}) {
    for (const char* path : {"/api", "/api/", "/api/x", "/api//"}) {
      EXPECT_TRUE(isBelow(path, prefix)) << path << " " << prefix;
    }
    for (const char* path : {"/apix", "/ap", "/", "*", "/API", "/x/api", "/api.x"}) {
      EXPECT_FALSE(isBelow(path, prefix)) << path << " " << prefix;
    }
  }
  EXPECT_TRUE(isBelow("*", ""));
  EXPECT_FALSE(isBelow("*", "/"));
  EXPECT_TRUE(isBelow("/", "/"));
  EXPECT_EQ(withoutPrefix("/api", "/api"), "");
  EXPECT_EQ(withoutPrefix("/api/", "/api"), "/");
  EXPECT_EQ(withoutPrefix("/api/x/y", "/api/"), "/x/y");
  EXPECT_EQ(withoutPrefix("/caf%C3%A9/x", "/caf%c3%a9"), "/x");
  EXPECT_EQ(withoutPrefix("/a/b", "/"), "/a/b");
}

}  // namespace
}  // namespace gatewhy
