// SPDX-License-Identifier: Apache-2.0
// All that passes between a client and an origin in one exchange: the request's
// body up, the answer's content down, and instead of both a tunnel's bytes. It
// knows neither heads nor tries, and who may be asked again is not its
// business. Loop thread only.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/exchange/relay.h"
#include "proxy/exchange/request_body.h"

namespace gatewhy {

class Passage {
 public:
  //   Apart ──join──▶ Asking ──the answer──▶ Answering ──its end──▶ Over
  //                   Asking ──101──▶ Tunnel ──both halves──▶ Over
  // An origin that is left puts it Apart, until there is another, or none.
  enum class State : std::uint8_t { Apart, Asking, Answering, Tunnel, Over };
  // What the client's bytes have come to.
  enum class Taken : std::uint8_t {
    More,     // is to come
    Whole,    // the request's body
    TooMuch,  // the body is beyond its limit: nothing of it goes on
    Over,     // the tunnel's other half has ended before
  };

  Passage() = default;
  Passage(const Passage&) = delete;
  Passage& operator=(const Passage&) = delete;

  void begin(const RequestHead& head);

  // The ends, one object for both directions each; they outlive it, or leave()
  // comes before. `keep`: another try could need the body again.
  template <class Client, class Origin>
  void join(Client& client, Origin& origin, bool keep) {
    state_ = State::Asking;
    body_.wantCopy(keep);
    up_.join(client, origin);
    down_.join(origin, client);
  }
  void leave();

  // ---- the request's body

  // Now its bytes go out. While they do, a copy is kept only if `keep`, which
  // is worth asking only where there is something to be kept.
  [[nodiscard]] bool asksWhatToKeep() const { return body_.announced() && body_.copyWanted(); }
  void keepBody(bool keep) { body_.wantCopy(keep); }
  void openRequest();
  void resumeRequest() { up_.resume(); }
  // From the client: of the body or, in a tunnel, of its half. `limit`: of a
  // body, in bytes; 0 = any number.
  [[nodiscard]] Taken takeRequest(std::string_view data, bool last, std::string_view trailers, std::uint64_t limit);
  // The client sends no more of the body, and has not sent all of it.
  void cutRequest() { up_.stop(); }
  [[nodiscard]] SpliceResult spliceRequest(Transport& from, std::uint64_t ahead) { return up_.splice(from, ahead); }
  // `queued`: the request waits for a connection.
  [[nodiscard]] bool wantsRequest(bool queued) const { return up_.wants(queued); }
  [[nodiscard]] std::size_t requestRoom(bool queued) const;
  [[nodiscard]] bool requestWhole() const { return body_.whole(); }
  // All that has come of it is still here, or nothing was to come.
  [[nodiscard]] bool repeatable() const { return !body_.incomplete(); }
  [[nodiscard]] std::size_t kept() const { return body_.copy().size(); }

  // ---- the answer's content

  void openAnswer();  // from here there is no other try
  void takeAnswer(std::string_view data) { down_.take(data); }
  [[nodiscard]] SpliceResult spliceAnswer(Transport& from, std::uint64_t ahead) { return down_.splice(from, ahead); }
  void flushAnswer() { down_.flush(); }
  void resumeAnswer() { down_.resume(); }
  // What has not come of the request's body by now is not wanted any more.
  void endAnswer(std::string_view trailers);
  [[nodiscard]] bool clientBlocked() const { return down_.sinkFull(); }

  // ---- a tunnel

  void openTunnel();
  // The origin's half ends. True where the client's had ended before.
  [[nodiscard]] bool endOriginHalf() { return endHalf(down_, up_); }

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] std::uint64_t received() const { return up_.moved(); }  // bytes, of the client
  [[nodiscard]] std::uint64_t answered() const { return down_.moved(); }

 private:
  [[nodiscard]] bool endHalf(Relay& half, const Relay& other);

  State state_ = State::Apart;
  RequestBody body_;
  Relay up_, down_;
};

}  // namespace gatewhy
