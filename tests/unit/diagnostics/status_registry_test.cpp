// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/status_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "diagnostics/nearest.h"
#include "diagnostics/reason_phrase.h"

namespace gatewhy {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

struct Line {
  std::uint16_t code;
  std::string_view name;
  std::string_view owner;
};

// The guide to status codes that this project began with: every line of it,
// with the names that it uses (some are older than the present ones).
constexpr Line kGuide[] = {
    {100, "Continue", "IETF"},
    {101, "Switching Protocols", "IETF"},
    {102, "Processing", "IETF"},
    {200, "OK", "IETF"},
    {201, "Created", "IETF"},
    {202, "Accepted", "IETF"},
    {203, "Non-Authoritative Information", "IETF"},
    {204, "No Content", "IETF"},
    {205, "Reset Content", "IETF"},
    {206, "Partial Content", "IETF"},
    {207, "Multi-Status", "IETF"},
    {208, "Already Reported", "IETF"},
    {226, "IM Used", "IETF"},
    {300, "Multiple Choices", "IETF"},
    {301, "Moved Permanently", "IETF"},
    {302, "Found", "IETF"},
    {303, "See Other", "IETF"},
    {304, "Not Modified", "IETF"},
    {305, "Use Proxy", "IETF"},
    {306, "Switch Proxy", "IETF"},
    {307, "Temporary Redirect", "IETF"},
    {308, "Permanent Redirect", "IETF"},
    {400, "Bad Request", "IETF"},
    {401, "Unauthorized", "IETF"},
    {402, "Payment Required", "IETF"},
    {403, "Forbidden", "IETF"},
    {404, "Not Found", "IETF"},
    {405, "Method Not Allowed", "IETF"},
    {406, "Not Acceptable", "IETF"},
    {407, "Proxy Authentication Required", "IETF"},
    {408, "Request Timeout", "IETF"},
    {409, "Conflict", "IETF"},
    {410, "Gone", "IETF"},
    {411, "Length Required", "IETF"},
    {412, "Precondition Failed", "IETF"},
    {413, "Payload Too Large", "IETF"},
    {414, "URI Too Long", "IETF"},
    {415, "Unsupported Media Type", "IETF"},
    {416, "Range Not Satisfiable", "IETF"},
    {417, "Expectation Failed", "IETF"},
    {418, "I'm a teapot", "IETF"},
    {421, "Misdirected Request", "IETF"},
    {422, "Unprocessable Entity", "IETF"},
    {423, "Locked", "IETF"},
    {424, "Failed Dependency", "IETF"},
    {426, "Upgrade Required", "IETF"},
    {428, "Precondition Required", "IETF"},
    {429, "Too Many Requests", "IETF"},
    {431, "Request Header Fields Too Large", "IETF"},
    {451, "Unavailable For Legal Reasons", "IETF"},
    {500, "Internal Server Error", "IETF"},
    {501, "Not Implemented", "IETF"},
    {502, "Bad Gateway", "IETF"},
    {503, "Service Unavailable", "IETF"},
    {504, "Gateway Timeout", "IETF"},
    {505, "HTTP Version Not Supported", "IETF"},
    {506, "Variant Also Negotiates", "IETF"},
    {507, "Insufficient Storage", "IETF"},
    {508, "Loop Detected", "IETF"},
    {510, "Not Extended", "IETF"},
    {511, "Network Authentication Required", "IETF"},
    // unofficial
    {103, "Checkpoint", "Google"},
    {420, "Method Failure", "Spring"},
    {420, "Enhance Your Calm", "Twitter"},
    {450, "Blocked by Windows Parental Controls", "Microsoft"},
    {498, "Invalid Token", "Esri"},
    {499, "Token Required", "Esri"},
    {499, "Request has been forbidden by antivirus", "antivirus products"},
    {509, "Bandwidth Limit Exceeded", "Apache httpd"},
    {530, "Site is frozen", "Pantheon"},
    {440, "Login Timeout", "Microsoft IIS"},
    {449, "Retry With", "Microsoft IIS"},
    {451, "Redirect", "Microsoft IIS"},
    {444, "No Response", "nginx"},
    {495, "SSL Certificate Error", "nginx"},
    {496, "SSL Certificate Required", "nginx"},
    {497, "HTTP Request Sent to HTTPS Port", "nginx"},
    {499, "Client Closed Request", "nginx"},
    {520, "Unknown Error", "Cloudflare"},
    {521, "Web Server Is Down", "Cloudflare"},
    {522, "Connection Timed Out", "Cloudflare"},
    {523, "Origin Is Unreachable", "Cloudflare"},
    {524, "A Timeout Occurred", "Cloudflare"},
    {525, "SSL Handshake Failed", "Cloudflare"},
    {526, "Invalid SSL Certificate", "Cloudflare"},
    {508, "Resource Limit is Reached", "cPanel"},
};

TEST(StatusRegistry, HasEveryLineOfTheGuide) {
  for (const Line& line : kGuide) {
    const auto meanings = meaningsOf(line.code);
    const auto found = std::ranges::find_if(meanings, [&](const StatusMeaning& meaning) {
      return meaning.owner == line.owner && std::ranges::count(namesOf(meaning), line.name) == 1;
    });
    EXPECT_NE(found, meanings.end()) << line.code << ' ' << line.name << " (" << line.owner << ')';
  }
}

// IANA's "HTTP Status Code Registry", without its ranges of unassigned codes.
constexpr std::uint16_t kRegistered[] = {
    100, 101, 102, 103, 104, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 306,
    307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421,
    422, 423, 424, 425, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511};

TEST(StatusRegistry, IetfOwnsWhatIanaHasRegisteredAndNothingElse) {
  std::set<std::uint16_t> ours;
  for (const StatusMeaning& meaning : allStatusMeanings()) {
    if (meaning.owner == "IETF") {
      EXPECT_TRUE(ours.insert(meaning.code).second) << meaning.code << " twice";
      EXPECT_TRUE(meaning.standing < Standing::Unofficial) << meaning.code;
      EXPECT_TRUE(meaning.reference.starts_with("RFC ") || meaning.standing == Standing::Temporary) << meaning.code;
    } else {
      EXPECT_GE(meaning.standing, Standing::Unofficial) << meaning.code << ' ' << meaning.owner;
    }
  }
  EXPECT_THAT(ours, ::testing::ElementsAreArray(kRegistered));
}

TEST(StatusRegistry, ReferencesNoRfcThatIsReplaced) {
  for (const StatusMeaning& meaning : allStatusMeanings()) {
    for (const std::string_view old : {"2616", "7231", "7232", "7233", "7235", "7538", "7540"}) {
      EXPECT_EQ(meaning.reference.find(old), std::string_view::npos) << meaning.code;
    }
  }
}

// RFC 9110 section 15.1.
TEST(StatusRegistry, CacheableCodesAreThoseOfTheRfc) {
  std::vector<std::uint16_t> cacheable;
  for (const StatusMeaning& meaning : allStatusMeanings()) {
    if (meaning.cacheable) {
      cacheable.push_back(meaning.code);
    }
  }
  EXPECT_THAT(cacheable, ElementsAre(200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501));
}

TEST(StatusRegistry, TextsAreSentences) {
  for (const StatusMeaning& meaning : allStatusMeanings()) {
    EXPECT_FALSE(meaning.meaning.empty() || meaning.check_first.empty()) << meaning.code;
    for (const std::string_view text : {meaning.meaning, meaning.check_first, meaning.note}) {
      if (text.empty()) {
        EXPECT_TRUE(meaning.note.empty()) << meaning.code;
        continue;
      }
      EXPECT_TRUE(text.ends_with('.')) << meaning.code << ": " << text;
      EXPECT_TRUE(std::isdigit(static_cast<unsigned char>(text.front())) != 0 ||
                  std::isupper(static_cast<unsigned char>(text.front())) != 0)
          << meaning.code << ": " << text;
    }
    for (const std::string_view text : {meaning.name, meaning.other_names, meaning.owner, meaning.reference,
                                        meaning.meaning, meaning.check_first, meaning.note}) {
      for (const char c : text) {
        EXPECT_TRUE(c >= ' ' && c <= '~') << meaning.code << ": " << text;
      }
    }
  }
}

TEST(StatusRegistry, ClassesFollowTheFirstDigit) {
  ASSERT_EQ(allStatusClasses().size(), 5U);
  EXPECT_EQ(statusClass(100)->name, "Informational");
  EXPECT_EQ(statusClass(599)->name, "Server Error");
  EXPECT_EQ(statusClass(99), nullptr);
  EXPECT_EQ(statusClass(600), nullptr);
  EXPECT_EQ(statusClass(0), nullptr);
  for (const StatusMeaning& meaning : allStatusMeanings()) {
    EXPECT_EQ(statusClass(meaning.code) == nullptr, meaning.code > 599) << meaning.code;
    if (meaning.code < 300) {
      EXPECT_EQ(meaning.retry, ClientRetry::Nothing) << meaning.code;
    }
    if (meaning.code >= 400 && meaning.code < 600) {
      EXPECT_NE(meaning.retry, ClientRetry::Nothing) << meaning.code;
      EXPECT_NE(meaning.retry, ClientRetry::Follow) << meaning.code;
    }
  }
}

TEST(StatusRegistry, RivalsAreAllThere) {
  const auto owners = [](std::uint16_t code) {
    std::vector<std::string_view> found;
    for (const StatusMeaning& meaning : meaningsOf(code)) {
      found.push_back(meaning.owner);
    }
    return found;
  };
  EXPECT_THAT(owners(103), UnorderedElementsAre("IETF", "Google"));
  EXPECT_THAT(owners(419), UnorderedElementsAre("Laravel", "Spring"));
  EXPECT_THAT(owners(420), UnorderedElementsAre("Spring", "Twitter"));
  EXPECT_THAT(owners(451), UnorderedElementsAre("IETF", "Microsoft IIS", "RTSP"));
  EXPECT_THAT(owners(496), UnorderedElementsAre("nginx", "Cloud Foundry"));
  EXPECT_THAT(owners(499), UnorderedElementsAre("nginx", "Esri", "antivirus products"));
  EXPECT_THAT(owners(508), UnorderedElementsAre("IETF", "cPanel"));
  EXPECT_THAT(owners(530), UnorderedElementsAre("Cloudflare", "Pantheon"));
  EXPECT_THAT(owners(599), UnorderedElementsAre("Tornado", "some HTTP proxies"));
  EXPECT_THAT(owners(512), ElementsAre());
}

TEST(StatusRegistry, EveryCodeThatACauseUsesHasAMeaningOfOurs) {
  for (const CauseInfo& row : allCauses()) {
    for (const std::uint16_t code : {row.sent_status, row.log_status, row.standard_status}) {
      if (code != 0) {
        ASSERT_NE(ownMeaning(code), nullptr) << row.name << ' ' << code;
        EXPECT_LE(ownMeaning(code)->standing, Standing::Unofficial) << row.name << ' ' << code;
      }
    }
    // What is sent really can be sent, by a gateway.
    if (row.sent_status != 0) {
      const Emitter emitter = ownMeaning(row.sent_status)->emitter;
      EXPECT_TRUE(emitter == Emitter::Any || emitter == Emitter::Gateway) << row.name << ' ' << row.sent_status;
    }
  }
}

TEST(StatusRegistry, OwnMeaningIsTheRegisteredOneThenNginxsThenCloudflares) {
  EXPECT_EQ(ownMeaning(508)->name, "Loop Detected");
  EXPECT_EQ(ownMeaning(499)->name, "Client Closed Request");
  EXPECT_EQ(ownMeaning(496)->name, "SSL Certificate Required");
  EXPECT_EQ(ownMeaning(530)->owner, "Cloudflare");
  EXPECT_EQ(ownMeaning(561)->owner, "AWS ELB") << "the only one";
  EXPECT_EQ(ownMeaning(420), nullptr) << "rivals of equal right";
  EXPECT_EQ(ownMeaning(512), nullptr);
}

TEST(StatusRegistry, UseComesFromTheCausesTable) {
  EXPECT_THAT(statusUse(499).sent, ElementsAre());
  EXPECT_THAT(statusUse(499).log_only, Contains(Cause::ClientClosedRequest));
  EXPECT_THAT(statusUse(521).sent, Contains(Cause::ConnectionRefused));
  EXPECT_THAT(statusUse(521).standard, ElementsAre());
  EXPECT_THAT(statusUse(502).standard, Contains(Cause::ConnectionRefused));
  EXPECT_TRUE(statusUse(302).none());
  for (const CauseInfo& row : allCauses()) {
    if (row.sent_status != 0) {
      EXPECT_THAT(statusUse(row.sent_status).sent, Contains(row.cause));
    }
  }
}

TEST(StatusRegistry, LogOnlyMeaningsAreTheLogOnlyStatuses) {
  for (const CauseInfo& row : allCauses()) {
    if (row.log_status != 0 && ownMeaning(row.log_status)->emitter == Emitter::LogOnly) {
      EXPECT_NE(row.sent_status, row.log_status) << row.name;
    }
  }
}

TEST(StatusRegistry, OtherNamesAreTakenApart) {
  EXPECT_THAT(namesOf(*ownMeaning(413)),
              ElementsAre("Content Too Large", "Payload Too Large", "Request Entity Too Large"));
  EXPECT_THAT(namesOf(*ownMeaning(404)), ElementsAre("Not Found"));
}

TEST(StatusRegistry, WhereTheStandardHasMovedOnANoteSaysSo) {
  for (const std::uint16_t code :
       std::initializer_list<std::uint16_t>{102, 302, 305, 306, 413, 414, 416, 418, 421, 422, 510}) {
    EXPECT_FALSE(ownMeaning(code)->note.empty()) << code;
  }
  EXPECT_THAT(std::string(ownMeaning(206)->note), HasSubstr("RFC 7233"));
}

TEST(ReasonPhraseTest, KnowsRegisteredAndCustomaryCodes) {
  EXPECT_EQ(reasonPhrase(100), "Continue");
  EXPECT_EQ(reasonPhrase(404), "Not Found");
  EXPECT_EQ(reasonPhrase(499), "Client Closed Request");
  EXPECT_EQ(reasonPhrase(526), "Invalid SSL Certificate");
}

TEST(ReasonPhraseTest, HasNoneForWhatIsUnknownReservedOrDisputed) {
  EXPECT_EQ(reasonPhrase(0), "");
  EXPECT_EQ(reasonPhrase(577), "");
  EXPECT_EQ(reasonPhrase(306), "");
  EXPECT_EQ(reasonPhrase(418), "");
  EXPECT_EQ(reasonPhrase(420), "");
  EXPECT_EQ(reasonPhrase(599), "");
}

TEST(ReasonPhraseTest, EveryStatusOfACauseHasOne) {
  for (const CauseInfo& row : allCauses()) {
    for (const std::uint16_t status : {row.sent_status, row.log_status, row.standard_status}) {
      EXPECT_TRUE(status == 0 || !reasonPhrase(status).empty()) << row.name << ' ' << status;
    }
  }
}

TEST(NearestTest, CountsSwapsOnceAndFoldsCase) {
  EXPECT_EQ(editDistance("abc", "acb"), 1U);
  EXPECT_EQ(editDistance("", "abc"), 3U);
  EXPECT_EQ(typingDistance("Bad-Gateway", "bad gateway"), 0U);
  EXPECT_EQ(typingDistance("xyzzy", "bad gateway"), std::nullopt);
  EXPECT_EQ(typingDistance("x", "y"), std::nullopt);
  EXPECT_THAT(nearestWords("tims", std::vector<std::string_view>{"time", "tims", "x"}, 2), ElementsAre("tims", "time"));
}

}  // namespace
}  // namespace gatewhy
