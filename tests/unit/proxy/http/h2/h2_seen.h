// SPDX-License-Identifier: Apache-2.0
// What a peer of an H2Session reads, taken apart.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/h2_words.h"
#include "tests/support/h2_frames.h"

namespace gatewhy::test {

inline H2TestFields with(H2TestFields fields, const H2TestFields& more) {
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

class H2Seen {
 public:
  H2Seen() { nghttp2_hd_inflate_new(&inflater_); }
  ~H2Seen() { nghttp2_hd_inflate_del(inflater_); }
  H2Seen(const H2Seen&) = delete;
  H2Seen& operator=(const H2Seen&) = delete;

  void take(std::string_view bytes) {
    wire_.append(bytes);
    for (const H2ReadFrame& frame : takeH2Frames(wire_)) {
      see(frame);
    }
  }
  [[nodiscard]] bool has(std::string_view line) const {
    return std::find(lines.begin(), lines.end(), line) != lines.end();
  }

  std::map<std::uint32_t, std::string> bodies;
  std::vector<std::string> lines;  // "HEADERS 1 END_STREAM :status=200 …", "RST_STREAM 1 CANCEL" …; without DATA

 private:
  void see(const H2ReadFrame& frame) {
    if (frame.type == h2::kData) {
      bodies[frame.stream] += frame.payload;
      if (frame.has(h2::kEndStream)) {
        lines.push_back(fmt::format("DATA {} END_STREAM", frame.stream));
      }
      return;
    }
    std::string line = h2FrameName(frame.type);
    line += fmt::format(" {}", frame.stream);
    if (frame.type == h2::kHeaders) {
      line += frame.has(h2::kEndStream) ? " END_STREAM" : "";
      line += fieldsOf(frame.payload);
    } else if (frame.type == h2::kRstStream) {
      line += " " + h2CodeName(frame.number(0));
    } else if (frame.type == h2::kGoAway) {
      line += fmt::format(" {} {}", frame.number(0), h2CodeName(frame.number(4)));
    } else if (frame.type == h2::kWindowUpdate) {
      line += fmt::format(" {}", frame.number(0));
    } else if (frame.has(h2::kAck)) {
      line += " ACK";
    }
    lines.push_back(line);
  }
  std::string fieldsOf(std::string_view block) {
    std::string text;
    const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
    std::size_t left = block.size();
    for (;;) {
      nghttp2_nv field;
      int flags = 0;
      const auto used = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, at, left, 1);
      EXPECT_GE(used, 0);
      at += used;
      left -= static_cast<std::size_t>(used);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        text += fmt::format(" {}={}", std::string_view(reinterpret_cast<char*>(field.name), field.namelen),
                            std::string_view(reinterpret_cast<char*>(field.value), field.valuelen));
      }
      if (used < 0 || (flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
        break;
      }
    }
    nghttp2_hd_inflate_end_headers(inflater_);
    return text;
  }

  nghttp2_hd_inflater* inflater_ = nullptr;
  std::string wire_;  // not yet a whole frame
};

}  // namespace gatewhy::test
