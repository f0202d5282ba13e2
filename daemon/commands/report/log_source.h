// SPDX-License-Identifier: Apache-2.0
// Lines of one log file or of standard input, plain or gzip, in large reads
// and bounded memory.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/result.h"

namespace gatewhy {

class LogSource {
 public:
  // "-" is standard input. The error is a sentence.
  [[nodiscard]] static Result<LogSource, std::string> open(const std::string& path);

  struct Line {
    // Without its newline; valid during the call. 64 bytes behind it may be read.
    std::string_view text;
    bool complete = true;   // false: the file ends before the line does
    bool too_long = false;  // more than kMostLine bytes: `text` is its beginning
  };
  static constexpr std::size_t kMostLine = 4UL << 20U;

  // Calls `on_line` for every line. `on_block` is told the bytes read from the
  // file so far (compressed ones where it is compressed) after each read. The
  // result is "", or what went wrong before the end.
  [[nodiscard]] std::string forEachLine(const std::function<void(const Line&)>& on_line,
                                        const std::function<void(std::uint64_t)>& on_block);
  [[nodiscard]] std::uint64_t size() const { return size_; }  // of the file; 0 unknown

 private:
  struct Closer {
    void operator()(gzFile file) const noexcept { gzclose(file); }
  };
  LogSource() = default;
  std::unique_ptr<gzFile_s, Closer> file_;
  std::uint64_t size_ = 0;
};

}  // namespace gatewhy
