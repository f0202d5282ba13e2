// SPDX-License-Identifier: Apache-2.0
// The part of head parsing that requests and responses share: lines are
// collected as they arrive, held against the limits, and judged when they are
// complete. Only two things are judged earlier, both by the octet that decides
// them: a limit that is passed, and a start line whose beginning cannot become
// HTTP. So every outcome depends on the octets alone, never on how they were
// split between calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "diagnostics/findings.h"
#include "diagnostics/observation.h"
#include "diagnostics/redaction.h"
#include "proxy/http/field_line.h"
#include "proxy/http/message.h"

namespace gatewhy {

// 0 = no limit; a line then has all of the section, and a field that takes
// more than half of it is what made the head too large. A line is measured
// without its CRLF, the section with all of them.
struct HeadLimits {
  std::uint64_t section = std::uint64_t{32} * 1024;  // the whole head, start line included
  std::uint64_t start_line = std::uint64_t{16} * 1024;
  std::uint64_t field = std::uint64_t{16} * 1024;
  std::uint32_t fields = 256;
};

enum class ParseStatus : std::uint8_t { NeedMore, Done, Error };

struct ParseStep {
  ParseStatus status = ParseStatus::NeedMore;
  std::size_t consumed = 0;  // of the bytes of this call; the rest belongs to the body or the next message
};

class HeadReader {
 public:
  // Takes bytes up to the end of the head, or up to the octet that decides an
  // error. After Done or Error it takes nothing more until reset().
  ParseStep feed(std::string_view bytes);

  // After Error: what and where. All of it follows from the octets alone but
  // for the excerpt, which also shows what came along with the deciding octet.
  [[nodiscard]] const ParseFault& fault() const { return fault_; }
  // As people may see it: without the values of credentials.
  [[nodiscard]] ParseFault fault(const Redaction& redact) const;
  // The last line that ended, without its CRLF; "" before the first one.
  // The line at fault does not count.
  [[nodiscard]] std::string_view lastCompleteLine() const;
  [[nodiscard]] std::string lastCompleteLine(const Redaction& redact) const;

 protected:
  HeadReader(const HeadLimits& limits, int empty_lines_allowed)
      : limits_(limits), empty_lines_allowed_(empty_lines_allowed) {}
  HeadReader(const HeadReader&) = default;
  HeadReader(HeadReader&&) = default;
  HeadReader& operator=(const HeadReader&) = default;
  HeadReader& operator=(HeadReader&&) = default;
  virtual ~HeadReader() = default;

  void resetReader();

 private:
  [[nodiscard]] virtual Head& base() = 0;
  [[nodiscard]] virtual const Head& base() const = 0;
  // Judges the octets of the unfinished start line from `from` on.
  [[nodiscard]] virtual std::optional<HeadFault> judgeStart(std::string_view line, std::size_t from) = 0;
  // Parses the start line, given without its CRLF and not empty.
  [[nodiscard]] virtual std::optional<HeadFault> parseStart(std::string_view line) = 0;
  // All lines are there: weighs what the fields say together.
  [[nodiscard]] virtual std::optional<HeadFault> judgeHead() = 0;
  // Where faults of this head that were mended are noted; null: none are mended.
  // Asked where there is a fault, so it costs good heads nothing.
  [[nodiscard]] virtual FindingSet* mended() { return nullptr; }

  // Inline, since each has one caller: a head is some twenty lines.
  inline std::size_t takeGulp(Head& head, std::string_view gulp);
  inline std::size_t takeLine(Head& head, std::size_t at);
  [[nodiscard]] std::uint64_t sectionRoom() const;
  [[nodiscard]] std::uint64_t lineRoom() const;
  inline void endLine(Head& head, std::size_t end);
  inline void endStartLine(std::string_view line, std::size_t end);
  [[nodiscard]] inline std::optional<HeadFault> takeField(Head& head, std::string_view line);
  [[nodiscard]] bool joinLine(Head& head, std::string_view line);
  [[nodiscard]] bool mendField(ParseError error, std::string_view line, FieldLine& parsed);
  void fail(const HeadFault& fault);
  void failLimit(const Head& head, std::size_t end);

  HeadLimits limits_;
  int empty_lines_allowed_;
  ParseStatus status_ = ParseStatus::NeedMore;
  bool start_line_done_ = false;
  bool left_out_ = false;  // the last line was
  int empty_lines_ = 0;
  std::size_t line_at_ = 0;       // where the unfinished line begins
  std::size_t last_line_at_ = 0;  // where the last finished one does
  std::size_t judged_ = 0;        // octets of the start line that judgeStart has seen
  ParseFault fault_;
};

}  // namespace gatewhy
