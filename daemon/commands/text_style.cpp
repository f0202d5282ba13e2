// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/text_style.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <iterator>

#include "diagnostics/unsafe_text.h"

namespace gatewhy {
namespace {

constexpr unsigned kDefaultWidth = 80;
constexpr unsigned kLeastWidth = 40;
constexpr unsigned kMostWidth = 240;
constexpr std::array<const char*, 9> kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
constexpr std::array<const char*, 9> kHeights = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<const char*, 5> kAsciiHeights = {" ", ".", ":", "|", "#"};

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view{} : std::string_view(value);
}

// POSIX: LC_ALL before LC_CTYPE before LANG; empty is as good as unset.
bool localeIsUtf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string_view value = environment(name);
    if (!value.empty()) {
      return value.find("UTF-8") != std::string_view::npos || value.find("utf8") != std::string_view::npos ||
             value.find("utf-8") != std::string_view::npos || value.find("UTF8") != std::string_view::npos;
    }
  }
  return false;
}

unsigned widthOf(int fd) {
  const std::string columns(environment("COLUMNS"));
  unsigned width = static_cast<unsigned>(std::strtoul(columns.c_str(), nullptr, 10));
  winsize size{};
  if (width == 0 && ::ioctl(fd, TIOCGWINSZ, &size) == 0) {
    width = size.ws_col;
  }
  return width == 0 ? kDefaultWidth : std::clamp(width, kLeastWidth, kMostWidth);
}

std::string_view code(Ink ink) {
  switch (ink) {
    case Ink::Bold:
      return "\x1b[1m";
    case Ink::Dim:
      return "\x1b[2m";
    case Ink::Red:
      return "\x1b[31m";
    case Ink::Green:
      return "\x1b[32m";
    case Ink::Yellow:
      return "\x1b[33m";
    case Ink::Cyan:
      return "\x1b[36m";
  }
  return {};
}

bool continuesCodePoint(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

std::string_view firstColumns(std::string_view text, std::size_t columns) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!continuesCodePoint(text[i]) && seen++ == columns) {
      return text.substr(0, i);
    }
  }
  return text;
}

}  // namespace

TextStyle styleOf(int fd) {
  const bool terminal = ::isatty(fd) == 1;
  return TextStyle{.colour = terminal && environment("NO_COLOR").empty() && environment("TERM") != "dumb",
                   .unicode = localeIsUtf8(),
                   .width = widthOf(fd)};
}

std::string paint(std::string_view text, Ink ink, const TextStyle& style) {
  return style.colour && !text.empty() ? fmt::format("{}{}\x1b[0m", code(ink), text) : std::string(text);
}

std::string harmless(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Utf8Unit unit = firstCharacter(text);
    if (!unit.valid) {
      for (const char c : text.substr(0, unit.length)) {
        fmt::format_to(std::back_inserter(out), "\\x{:02X}", static_cast<unsigned char>(c));
      }
    } else if (unit.code < 0x20 || unit.code == 0x7F || mayDeceive(unit.code)) {
      appendVisible(out, unit.code);
    } else {
      out += text.substr(0, unit.length);
    }
    text.remove_prefix(unit.length);
  }
  return out;
}

std::size_t columnsOf(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continuesCodePoint(c); }));
}

std::string fitted(std::string_view text, std::size_t columns, const TextStyle& style) {
  const std::size_t size = columnsOf(text);
  if (size <= columns) {
    return std::string(text) + std::string(columns - size, ' ');
  }
  const std::string_view ellipsis = style.unicode ? "…" : "~";
  return columns == 0 ? "" : std::string(firstColumns(text, columns - 1)).append(ellipsis);
}

std::string rightAligned(std::string_view text, std::size_t columns) {
  const std::size_t size = columnsOf(text);
  return std::string(columns > size ? columns - size : 0, ' ').append(text);
}

void appendWrapped(std::string& out, std::string_view label, std::string_view text, std::size_t column,
                   const TextStyle& style) {
  const std::size_t room = std::max<std::size_t>(style.width, column + 24) - column;
  out += paint(label, Ink::Dim, style);
  out.append(column > columnsOf(label) ? column - columnsOf(label) : 1, ' ');
  while (columnsOf(text) > room) {
    std::size_t cut = firstColumns(text, room + 1).rfind(' ');
    const bool unbroken = cut == std::string_view::npos || cut == 0;
    if (unbroken) {
      cut = firstColumns(text, room).size();
    }
    out.append(text.substr(0, cut)).append("\n").append(column, ' ');
    text.remove_prefix(cut + (unbroken ? 0 : 1));
  }
  out.append(text).append("\n");
}

std::string bar(double fraction, std::size_t cells, const TextStyle& style) {
  return span(0, fraction, cells, style);
}

std::string span(double begin, double end, std::size_t cells, const TextStyle& style) {
  const auto at = [cells](double x) { return std::clamp(x, 0.0, 1.0) * static_cast<double>(cells); };
  const std::size_t first = std::min(static_cast<std::size_t>(at(begin)), cells - 1);
  if (!(end > begin)) {
    return std::string(first, ' ');
  }
  if (!style.unicode) {
    const auto last = static_cast<std::size_t>(std::lround(at(end)));
    return std::string(first, ' ') + std::string(last > first ? last - first : 1, '#');
  }
  // Whole cells from the one in which it begins, then eighths.
  const double length = at(end) - static_cast<double>(first);
  auto eighths = static_cast<std::size_t>(std::max(1L, std::lround(length * 8)));
  std::string out(first, ' ');
  for (; eighths >= 8; eighths -= 8) {
    out += kEighths[8];
  }
  return out + kEighths[eighths];
}

std::string sparkline(std::span<const std::uint64_t> values, const TextStyle& style) {
  const std::uint64_t most = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
  const std::size_t steps = style.unicode ? kHeights.size() - 1 : kAsciiHeights.size() - 1;
  std::string out;
  for (const std::uint64_t value : values) {
    // Anything above nothing is seen.
    const auto height =
        value == 0 ? 0
                   : std::max<std::size_t>(
                         1, static_cast<std::size_t>(std::lround(
                                static_cast<double>(value) / static_cast<double>(most) * static_cast<double>(steps))));
    out += style.unicode ? kHeights[height] : kAsciiHeights[height];
  }
  return out;
}

std::string millisText(double ms) {
  if (ms < 1) {
    return fmt::format("{:.3f} ms", ms);
  }
  if (ms < 1000) {
    return fmt::format("{:.{}f} ms", ms, ms < 10 ? 2 : (ms < 100 ? 1 : 0));
  }
  return ms < 120'000 ? fmt::format("{:.2f} s", ms / 1000) : fmt::format("{:.1f} min", ms / 60'000);
}

std::string countText(std::uint64_t count) {
  std::string digits = fmt::format("{}", count);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ' ');
  }
  return digits;
}

std::string percentText(double part, double of) {
  if (of <= 0) {
    return "-";
  }
  const double percent = 100 * part / of;
  return percent > 0 && percent < 0.01 ? "<0.01%" : fmt::format("{:.{}f}%", percent, percent < 1 ? 2 : 1);
}

}  // namespace gatewhy
