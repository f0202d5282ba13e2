// SPDX-License-Identifier: Apache-2.0
#include "config/units.h"

#include <gmock/gmock.h>

namespace gatewhy {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

TEST(Duration, ReadsEveryUnit) {
  EXPECT_EQ(*parseDuration("0"), milliseconds{0});
  EXPECT_EQ(*parseDuration("0s"), milliseconds{0});
  EXPECT_EQ(*parseDuration("250ms"), milliseconds{250});
  EXPECT_EQ(*parseDuration("5s"), milliseconds{5000});
  EXPECT_EQ(*parseDuration("2m"), milliseconds{120'000});
  EXPECT_EQ(*parseDuration("1h"), milliseconds{3'600'000});
}

TEST(Duration, RefusesWithAHint) {
  EXPECT_THAT(parseDuration("5").error(), HasSubstr("'5' has no unit; write 5s or 5ms"));
  EXPECT_THAT(parseDuration("1.5s").error(), HasSubstr("fractions"));
  EXPECT_THAT(parseDuration("3d").error(), HasSubstr("'d' is not a unit"));
  EXPECT_THAT(parseDuration("1h30m").error(), HasSubstr("'h30m' is not a unit"));
  EXPECT_THAT(parseDuration("05s").error(), HasSubstr("leading zero"));
  for (const char* text : {"", "s", "-1s", "+1s", " 1s", "off"}) {
    EXPECT_THAT(parseDuration(text).error(), HasSubstr("is not a duration")) << text;
  }
}

TEST(Duration, RefusesOverflow) {
  EXPECT_THAT(parseDuration("18446744073709551616ms").error(), HasSubstr("too large"));
  EXPECT_THAT(parseDuration("5124095576030432h").error(), HasSubstr("too large"));
  EXPECT_THAT(parseDuration("99999999999999999999999999h").error(), HasSubstr("too large"));
}

TEST(Size, ReadsEveryUnit) {
  EXPECT_EQ(*parseSize("0"), 0U);
  EXPECT_EQ(*parseSize("512B"), 512U);
  EXPECT_EQ(*parseSize("16KiB"), 16384U);
  EXPECT_EQ(*parseSize("1MiB"), 1048576U);
  EXPECT_EQ(*parseSize("2GiB"), 2147483648U);
}

TEST(Size, RefusesWithAHint) {
  EXPECT_THAT(parseSize("16").error(), HasSubstr("'16' has no unit; write 16B or 16KiB"));
  EXPECT_THAT(parseSize("16k").error(), HasSubstr("did you mean '16KiB'?"));
  EXPECT_THAT(parseSize("1MB").error(), HasSubstr("did you mean '1MiB'?"));
  EXPECT_THAT(parseSize("17179869184GiB").error(), HasSubstr("too large"));
  EXPECT_THAT(parseSize("1s").error(), HasSubstr("not a unit"));
}

TEST(WholeNumber, IsStrict) {
  EXPECT_EQ(*parseWholeNumber("0"), 0U);
  EXPECT_EQ(*parseWholeNumber("18446744073709551615"), 18446744073709551615U);
  EXPECT_THAT(parseWholeNumber("010").error(), HasSubstr("leading zero"));
  EXPECT_THAT(parseWholeNumber("-1").error(), HasSubstr("negative"));
  EXPECT_THAT(parseWholeNumber("18446744073709551616").error(), HasSubstr("too large"));
  for (const char* text : {"", "0x10", "1e3", "1_000", "+1", "1.0", "one"}) {
    EXPECT_THAT(parseWholeNumber(text).error(), HasSubstr("not a whole number")) << text;
  }
}

TEST(Percent, NeedsItsSign) {
  EXPECT_EQ(*parsePercent("20%"), 20U);
  EXPECT_THAT(parsePercent("20").error(), HasSubstr("write it like 20%"));
  EXPECT_FALSE(parsePercent("%"));
}

TEST(Units, AreWrittenAsTheyAreRead) {
  for (const char* text : {"0", "250ms", "5s", "90s", "2m", "1h", "1500ms"}) {
    EXPECT_EQ(formatDuration(*parseDuration(text)), text);
  }
  for (const char* text : {"0", "512B", "64KiB", "1MiB", "3GiB"}) {
    EXPECT_EQ(formatSize(*parseSize(text)), text);
  }
}

}  // namespace
}  // namespace gatewhy
