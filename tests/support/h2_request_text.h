// SPDX-License-Identifier: Apache-2.0
// Requests as HTTP/1.1 writes them, cut into what HTTP/2 sends. For scripts:
// what would be no request is passed on as far as HTTP/2 has a place for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatewhy::test {

using H2TextFields = std::vector<std::pair<std::string, std::string>>;

class H2RequestText {
 public:
  struct Event {
    enum class Kind : std::uint8_t { Head, Body, End };
    Kind kind = Kind::Head;
    H2TextFields fields;  // Head: pseudo-header fields first; End: trailers
    std::string body;
    bool ends = false;    // Head: there is no body
    bool tunnel = false;  // Head: an extended CONNECT; all that follows is its Body
  };

  explicit H2RequestText(std::string scheme) : scheme_(std::move(scheme)) {}
  void setScheme(std::string scheme) { scheme_ = std::move(scheme); }

  void feed(std::string_view text) { text_ += text; }
  // The tunnel was refused: what follows is another request.
  void leaveTunnel() { state_ = state_ == State::Tunnel ? State::Head : state_; }
  // What can be sent of what was fed; nullopt: more is needed.
  [[nodiscard]] std::optional<Event> next();

 private:
  enum class State : std::uint8_t { Head, Length, ChunkLine, Chunk, ChunkEnd, Trailers, Tunnel };

  [[nodiscard]] std::optional<Event> nextHead();
  [[nodiscard]] std::optional<Event> nextData(State behind);
  [[nodiscard]] std::optional<std::string> line();

  std::string scheme_;
  std::string text_;
  State state_ = State::Head;
  std::uint64_t left_ = 0;  // octets of the body, or of a chunk
  H2TextFields trailers_;
};

}  // namespace gatewhy::test
