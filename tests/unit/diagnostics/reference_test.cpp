// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#include "diagnostics/cause.h"
#include "diagnostics/cause_id.h"
#include "diagnostics/man_page.h"
#include "diagnostics/status_registry.h"

namespace gatewhy {
namespace {

using ::testing::HasSubstr;

struct Document {
  std::string path;
  std::string (*text)();
};

class ReferenceTest : public ::testing::TestWithParam<Document> {};

TEST_P(ReferenceTest, IsUpToDate) {
  const std::string path = GATEWHY_SOURCE_DIR "/" + GetParam().path;
  const std::string text = GetParam().text();
  // When a table changes: `make docs`, which runs this test so.
  if (std::getenv("GATEWHY_UPDATE_DOCS") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    GTEST_SKIP() << path << " written";
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file) << path << " is missing";
  const std::string written{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_TRUE(written == text) << path << " differs; run make docs";
}

INSTANTIATE_TEST_SUITE_P(All, ReferenceTest,
                         ::testing::Values(Document{"docs/causes.md", causesMarkdown},
                                           Document{"docs/status-codes.md", statusesMarkdown},
                                           Document{"docs/man/gatewhy-causes.7", causesManPage},
                                           Document{"docs/man/gatewhy-status-codes.7", statusesManPage},
                                           Document{"docs/man/gatewhy-findings.7", findingsManPage},
                                           Document{"systemd/gatewhy.catalog", journalCatalogue}),
                         [](const ::testing::TestParamInfo<Document>& each) {
                           std::string name;
                           for (const char c : each.param.path) {
                             name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
                           }
                           return name;
                         });

TEST(ReferenceText, LinksOfTheMarkdownLeadSomewhere) {
  const std::string causes = causesMarkdown();
  const std::string statuses = statusesMarkdown();
  const auto check = [](const std::string& from, std::string_view marker, const std::string& to) {
    std::size_t links = 0;
    for (std::size_t at = from.find(marker); at != std::string::npos; at = from.find(marker, at + 1)) {
      const std::size_t begin = at + marker.size();
      const std::string anchor = from.substr(begin, from.find(')', begin) - begin);
      EXPECT_THAT(to, HasSubstr("\n### " + anchor + "\n"));
      ++links;
    }
    EXPECT_GT(links, 100U);
  };
  check(causes, "(status-codes.md#", statuses);
  check(causes, "`](#", causes);
  check(statuses, "(causes.md#", causes);
  check(statuses, "](#", statuses);
}

TEST(ManPageTest, EscapesWhatRoffWouldRead) {
  ManPage page("a-b", 1, "it's", "x.def");
  page.paragraph(".not a macro, 'nor' this \\n");
  page.paragraph("'quoted");
  page.tagged("a.*.b",
              "`a*b` is **strong** and *odd*, 1\xE2\x80\x93"
              "2");
  page.detail("None", "");
  page.example(".x\n\ny");
  page.seeAlso("c-d(7)");
  page.seeAlso("e(1)");
  EXPECT_EQ(page.take(),
            ".\\\" SPDX-License-Identifier: Apache-2.0\n"
            ".\\\" Generated from x.def; a unit test compares. Do not edit.\n"
            ".TH a\\-b 1 \"\" \"\" \"gatewhy manual\"\n.SH NAME\na\\-b \\- it\\(aqs\n"
            ".PP\n\\&.not a macro, \\(aqnor\\(aq this \\en\n"
            ".PP\n\\&\\(aqquoted\n"
            ".TP\n\\fBa.*.b\\fR\n\\fBa*b\\fR is \\fBstrong\\fR and \\fIodd\\fR, 1\\[u2013]2\n"
            ".PP\n.nf\n\\&.x\n\ny\n.fi\n"
            ".SH SEE ALSO\n.BR c\\-d (7),\n.BR e (1)\n");
}

constexpr std::string_view kPrintable =
    " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

// Every line of a page is a macro that we meant, or text.
TEST(ReferenceText, ManPagesHaveNoAccidentalMacros) {
  const std::set<std::string> macros = {".TH", ".SH", ".SS", ".PP", ".TP", ".br", ".BR", ".\\\""};
  for (const std::string& page : {causesManPage(), statusesManPage(), findingsManPage()}) {
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
      EXPECT_NE(line, "");
      EXPECT_EQ(line.find_first_not_of(kPrintable), std::string::npos) << line;
      EXPECT_NE(line.front(), '\'') << line;
      if (line.front() == '.') {
        EXPECT_TRUE(macros.contains(line.substr(0, line.find(' ')))) << line;
      }
    }
  }
}

TEST(ReferenceText, CatalogueHasAnEntryPerCause) {
  const std::string catalogue = journalCatalogue();
  for (const CauseInfo& row : allCauses()) {
    EXPECT_THAT(catalogue, HasSubstr("\n-- " + messageId(row.cause) + "\nSubject: " + std::string(row.name) + "\n"));
  }
  std::istringstream lines(catalogue);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 112U) << line;
    for (std::size_t at = line.find('@'); at != std::string::npos; at = line.find('@', at + 1)) {
      EXPECT_THAT(line, HasSubstr("@GATEWHY_SUMMARY@"));
    }
  }
}

TEST(CauseIdTest, MessageIdsAreDistinctUuids) {
  std::set<std::string> ids;
  for (const CauseInfo& row : allCauses()) {
    const std::string id = messageId(row.cause);
    ASSERT_EQ(id.size(), 32U);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_EQ(id[12], '8') << "version";
    EXPECT_NE(std::string("89ab").find(id[16]), std::string::npos) << "variant";
    EXPECT_TRUE(ids.insert(id).second) << row.name;
  }
}

// Filters and catalogues of other people have these: they never change.
TEST(CauseIdTest, MessageIdsStay) {
  EXPECT_EQ(messageId(Cause::ConnectionRefused), "c03bef1b23b38ef3855b6d32695b970d");
  EXPECT_EQ(messageId(Cause::TlsCertificateExpired), "bbbaa894c73e81cf87d2dcda2ecdecf9");
}

TEST(CauseIdTest, ProblemTypesAreUrns) {
  EXPECT_EQ(problemType(Cause::NoRoute), "urn:gatewhy:cause:no_route");
}

}  // namespace
}  // namespace gatewhy
