// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/findings.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace gatewhy {
namespace {

TEST(Findings, RowsAreInTheOrderOfTheEnumerators) {
  ASSERT_EQ(allFindings().size(), kFindingCount);
  for (std::size_t i = 0; i < kFindingCount; ++i) {
    EXPECT_EQ(static_cast<std::size_t>(allFindings()[i].finding), i);
    EXPECT_EQ(findingById(allFindings()[i].id), allFindings()[i].finding);
  }
  EXPECT_EQ(findingById("402_without_payment"), std::nullopt);
}

TEST(Findings, IdsAndTextsKeepTheirForm) {
  for (const FindingInfo& row : allFindings()) {
    EXPECT_EQ(row.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string_view::npos) << row.id;
    const bool rfc = row.section.starts_with("RFC ") && row.section.find(" section ") != std::string_view::npos;
    EXPECT_TRUE(rfc || row.section.starts_with("gRPC over HTTP/2, ")) << row.id;
    for (const std::string_view text : {row.seen, row.to_do}) {
      EXPECT_TRUE(text.ends_with('.')) << row.id << ": " << text;
      EXPECT_GT(text.size(), 15U) << row.id;
    }
  }
}

TEST(Findings, ASetIsWalkedInTheTablesOrder) {
  FindingSet set;
  EXPECT_TRUE(set.empty());
  EXPECT_FALSE(set.begin() != set.end());
  const auto last = static_cast<Finding>(kFindingCount - 1);
  set.add(last);
  set.add(Finding::DateMissing);
  set.add(static_cast<Finding>(0));
  set.add(Finding::DateMissing);
  EXPECT_EQ(set.size(), 3U);
  EXPECT_EQ(std::vector<Finding>({*set.begin(), *++set.begin()}),
            std::vector<Finding>({static_cast<Finding>(0), Finding::DateMissing}));
  std::size_t walked = 0;
  for (const Finding finding : set) {
    EXPECT_TRUE(set.has(finding));
    ++walked;
  }
  EXPECT_EQ(walked, 3U);
  FindingSet known;
  known.add(Finding::DateMissing);
  EXPECT_FALSE(set.without(known).has(Finding::DateMissing));
  EXPECT_TRUE(set.without(known).has(last));
  EXPECT_EQ(FindingSet::fromWords(set.words()), set);
}

TEST(Findings, TheManualIsUpToDate) {
  const std::string path = GATEWHY_SOURCE_DIR "/docs/findings.md";
  if (std::getenv("GATEWHY_UPDATE_DOCS") != nullptr) {
    std::ofstream(path, std::ios::binary) << findingsMarkdown();
  }
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  EXPECT_EQ(text.str(), findingsMarkdown()) << "run make docs";
}

}  // namespace
}  // namespace gatewhy
