// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/text_style.h"

#include <gtest/gtest.h>

#include <array>
#include <sstream>

namespace gatewhy {
namespace {

constexpr TextStyle kPlain{};
constexpr TextStyle kRich{.colour = true, .unicode = true, .width = 80};

TEST(TextStyleTest, PaintsOnlyWithColour) {
  EXPECT_EQ(paint("x", Ink::Red, kPlain), "x");
  EXPECT_EQ(paint("x", Ink::Red, kRich), "\x1b[31mx\x1b[0m");
  EXPECT_EQ(paint("", Ink::Red, kRich), "");
}

TEST(TextStyleTest, ControlsOfTheTerminalBecomeText) {
  EXPECT_EQ(harmless("a\x1b[2Jb\r\n\x7f"), "a\\x1B[2Jb\\x0D\\x0A\\x7F");
  EXPECT_EQ(harmless("\xC2\x9B"
                     "31m"),
            "\\x9B31m")
      << "C1 controls too";
  EXPECT_EQ(harmless("grün"), "grün");
}

TEST(TextStyleTest, FitsByColumnsNotByBytes) {
  EXPECT_EQ(columnsOf("grün"), 4U);
  EXPECT_EQ(fitted("grün", 6, kRich), "grün  ");
  EXPECT_EQ(fitted("grünes", 4, kRich), "grü…");
  EXPECT_EQ(fitted("abcdef", 4, kPlain), "abc~");
  EXPECT_EQ(rightAligned("ü", 3), "  ü");
}

TEST(TextStyleTest, WrapsAtBlanksAndBreaksWhatHasNone) {
  std::string out;
  appendWrapped(out, "what", std::string("one two three ") + std::string(90, 'x'), 10, {.width = 40});
  std::istringstream lines(out);
  std::string line;
  std::size_t count = 0;
  while (std::getline(lines, line)) {
    EXPECT_LE(line.size(), 40U) << line;
    EXPECT_EQ(line.substr(0, 10), ++count == 1 ? "what      " : std::string(10, ' '));
  }
  EXPECT_EQ(count, 4U) << out;
}

TEST(TextStyleTest, BarsShowWhatIsThere) {
  EXPECT_EQ(bar(0.5, 10, kPlain), "#####");
  EXPECT_EQ(bar(0, 10, kPlain), "");
  EXPECT_EQ(bar(0.0001, 10, kPlain), "#") << "more than nothing";
  EXPECT_EQ(bar(7, 4, kPlain), "####") << "never over the edge";
  EXPECT_EQ(bar(0.5, 3, kRich), "█▌");
  EXPECT_EQ(span(0.5, 1, 10, kPlain), "     #####");
  EXPECT_EQ(columnsOf(span(0.99, 1, 10, kRich)), 10U);
  EXPECT_EQ(span(1, 1, 10, kRich), std::string(9, ' '));
}

TEST(TextStyleTest, SparklinesScaleToTheGreatest) {
  const std::array<std::uint64_t, 4> values = {0, 1, 50, 100};
  EXPECT_EQ(sparkline(values, kRich), " ▁▄█");
  EXPECT_EQ(sparkline(values, kPlain), " .:#");
  EXPECT_EQ(sparkline({}, kRich), "");
}

TEST(TextStyleTest, Numbers) {
  EXPECT_EQ(millisText(0.2144), "0.214 ms");
  EXPECT_EQ(millisText(12.34), "12.3 ms");
  EXPECT_EQ(millisText(1500), "1.50 s");
  EXPECT_EQ(countText(1), "1");
  EXPECT_EQ(countText(1234567), "1 234 567");
  EXPECT_EQ(percentText(1, 0), "-");
  EXPECT_EQ(percentText(1, 8), "12.5%");
  EXPECT_EQ(percentText(1, 1e9), "<0.01%");
}

}  // namespace
}  // namespace gatewhy
