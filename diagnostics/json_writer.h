// SPDX-License-Identifier: Apache-2.0
// Appends JSON to a text that the caller owns: a std::string, or a TextBuffer
// where it has to be fast. What it writes is always valid JSON in valid UTF-8,
// whatever bytes the strings hold; `null` cannot be written, because an absent
// fact is an absent key. Balanced begin/end calls are the caller's part.
// Nothing is allocated but the text's own growth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>

#include "diagnostics/text_buffer.h"

namespace gatewhy {

// Appends `text` as the inside of a JSON string: controls and what else may
// deceive a reader (unsafe_text.h) escaped, every maximal ill-formed UTF-8
// part (Unicode 3.9, table 3-7) as U+FFFD.
template <class Text>
void appendJsonEscaped(Text& out, std::string_view text);

// The same, cut where what is written reaches `most` octets: a mark says how
// many octets of `text` are missing, "…[+1234]".
template <class Text>
void appendJsonCut(Text& out, std::string_view text, std::size_t most);

// Appends raw bytes as printable ASCII: \r \n \t \\ and \xNN for the rest.
// "…" stays. Not JSON yet: the backslashes are part of the text.
void appendPrintable(std::string& out, std::string_view bytes);

template <class Text>
class BasicJsonWriter {
 public:
  static constexpr std::size_t kMaxExcerptBytes = 64;

  // `out` must outlive the writer.
  explicit BasicJsonWriter(Text& out) noexcept : out_(out) {}
  // Goes on inside an object that the caller has opened by hand and given a
  // first member.
  [[nodiscard]] static BasicJsonWriter resume(Text& out) noexcept {
    BasicJsonWriter writer(out);
    writer.comma_ = true;
    return writer;
  }
  // From now on no text takes more than about `most` octets, escaped.
  void limitText(std::size_t most) noexcept { most_text_ = most; }
  [[nodiscard]] std::size_t textLimit() const noexcept { return most_text_; }

  void beginObject() { open('{'); }
  void endObject() { close('}'); }
  void beginArray() { open('['); }
  void endArray() { close(']'); }

  // Written as it is: for names from the program, not from the network.
  void key(std::string_view name) {
    if constexpr (kInPlace) {
      char* at = out_.extend((comma_ ? 1 : 0) + name.size() + 3);
      if (comma_) {
        *at++ = ',';
      }
      *at++ = '"';
      std::memcpy(at, name.data(), name.size());
      at[name.size()] = '"';
      at[name.size() + 1] = ':';
    } else {
      separate();
      out_ += '"';
      out_ += name;
      out_.append("\":", 2);
    }
    comma_ = false;
  }
  // A value that is JSON already.
  void raw(std::string_view json) {
    separate();
    out_.append(json);
    comma_ = true;
  }
  // For text that is known to need no escaping.
  void plain(std::string_view text) {
    separate();
    out_ += '"';
    out_.append(text);
    out_ += '"';
    comma_ = true;
  }

  void string(std::string_view text) {
    separate();
    out_ += '"';
    if (text.size() <= most_text_ / kLongestEscape) {
      appendJsonEscaped(out_, text);
    } else {
      appendJsonCut(out_, text, most_text_);
    }
    out_ += '"';
    comma_ = true;
  }
  void integer(std::int64_t value);
  void unsignedInteger(std::uint64_t value);
  // At most three decimals, trailing zeros dropped. What is no number
  // (NaN, infinity) is written as 0.
  void number(double value);
  void boolean(bool value) {
    separate();
    out_ += value ? std::string_view("true") : std::string_view("false");
    comma_ = true;
  }
  // At most kMaxExcerptBytes bytes of what was received, made printable.
  void excerpt(std::string_view bytes);

  // Members. An empty text is an absent fact and writes nothing.
  void member(std::string_view name, std::string_view text) {
    if (!text.empty()) {
      key(name);
      string(text);
    }
  }
  void memberPlain(std::string_view name, std::string_view text) {
    if (!text.empty()) {
      key(name);
      plain(text);
    }
  }
  void member(std::string_view name, const char* text) { member(name, std::string_view(text)); }
  void memberInteger(std::string_view name, std::int64_t value) {
    key(name);
    integer(value);
  }
  void memberUnsigned(std::string_view name, std::uint64_t value) {
    key(name);
    unsignedInteger(value);
  }
  void memberNumber(std::string_view name, double value) {
    key(name);
    number(value);
  }
  void memberBoolean(std::string_view name, bool value) {
    key(name);
    boolean(value);
  }
  void memberExcerpt(std::string_view name, std::string_view bytes) {
    if (!bytes.empty()) {
      key(name);
      excerpt(bytes);
    }
  }
  void beginObject(std::string_view name) {
    key(name);
    beginObject();
  }
  void beginArray(std::string_view name) {
    key(name);
    beginArray();
  }

 private:
  static constexpr std::size_t kLongestEscape = 6;  // "\u001b" for one octet
  // A text that gives room lets a key be written as one piece.
  static constexpr bool kInPlace = requires(Text & out) { out.extend(1); };

  void separate() {
    if (comma_) {
      out_ += ',';
    }
  }
  void open(char bracket) {
    separate();
    out_ += bracket;
    comma_ = false;
  }
  void close(char bracket) {
    out_ += bracket;
    comma_ = true;
  }

  Text& out_;
  std::size_t most_text_ = std::numeric_limits<std::size_t>::max();
  bool comma_ = false;  // a value came before in this object or array
};

using JsonWriter = BasicJsonWriter<std::string>;
using FastJsonWriter = BasicJsonWriter<TextBuffer>;

}  // namespace gatewhy
