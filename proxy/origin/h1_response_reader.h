// SPDX-License-Identifier: Apache-2.0
// The octets of one HTTP/1.1 response, as they come from the connection: heads,
// body without its framing, or a tunnel's bytes. No socket and no timer.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/http/h1_parser.h"
#include "proxy/origin/origin_stream.h"

namespace gatewhy {

class H1ResponseReader {
 public:
  //   Head ──final head──▶ Body ──▶ Over      Head ──101──▶ Tunnel ──▶ Over      any ──fault, or stop()──▶ Over
  enum class State : std::uint8_t { Head, Body, Tunnel, Over };

  class Owner {
   public:
    virtual void onContinue() = 0;             // 100 (Continue) has come
    virtual void onMoved(TimePoint when) = 0;  // the response has got further
    virtual void onMoreAwaited() = 0;          // what came is used up, and is not all
    // One of the two, once; reading is over then.
    virtual void onReadComplete(bool extra_data) = 0;  // bytes came after the message's end
    virtual void onReadFault(Phase phase, Fault fault) = 0;

   protected:
    ~Owner() = default;
  };

  // `parser` is ready for a head; it outlives the reading.
  H1ResponseReader(ResponseParser& parser, const OriginStreamSetup& setup, Owner& owner)
      : parser_(&parser), setup_(setup), owner_(owner) {}

  void onBytes(std::string_view bytes);
  // So many of the body went another way, as far as ahead() allowed it.
  void onSpliced(std::size_t size);
  // The connection has ended in order: true where that ends the body too.
  [[nodiscard]] bool endsBody() { return state_ == State::Body && decoder_.finish(); }
  // Nothing is told any more; describe() and the numbers can still be asked for.
  void stop();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] std::uint64_t ahead() const { return state_ == State::Body ? decoder_.ahead() : 0; }
  [[nodiscard]] std::uint64_t received() const { return received_; }  // bytes
  [[nodiscard]] TimePoint firstByteAt() const { return first_byte_; }
  [[nodiscard]] bool wasContinued() const;
  // By its own word and by how it was framed: what follows is another response.
  [[nodiscard]] bool keepsInStep() const;
  [[nodiscard]] const std::string& trailers() const { return decoder_.trailers(); }
  void describe(Observation& seen) const;

 private:
  std::string_view onHeadBytes(std::string_view bytes);
  void onHeadDone();
  void onInterimDone();
  void onSwitching();
  void onBodyBytes(std::string_view bytes);
  void fail(Phase phase, Fault fault);

  ResponseParser* parser_;  // null once stopped
  const OriginStreamSetup& setup_;
  Owner& owner_;
  State state_ = State::Head;
  BodyDecoder decoder_;
  bool out_of_step_ = false;             // the body's framing broke a rule: who knows where the next response begins
  std::uint64_t received_ = 0;           // bytes of the response
  std::vector<std::uint16_t> interims_;  // statuses of the interim responses so far
  std::uint64_t interim_bytes_ = 0;
  TimePoint first_byte_{}, last_byte_{};
};

}  // namespace gatewhy
