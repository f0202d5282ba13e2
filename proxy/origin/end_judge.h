// SPDX-License-Identifier: Apache-2.0
// What a connection that ended before its response was there has to say for
// itself: by the end that was read, by the error that a write had met before,
// and, where a FIN came without a word, by what the peer's TCP does next. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "diagnostics/observation.h"

namespace gatewhy {

class EndJudge {
 public:
  //   Open ──a FIN that nothing explains──▶ Settling ──▶ Judged      Open ──any other end──▶ Judged
  enum class State : std::uint8_t { Open, Settling, Judged };

  // What is known of the request when its connection ends.
  struct Scene {
    bool reused = false;               // the connection carried another one before
    bool answered = false;             // bytes of the response have come
    const EndFault* broken = nullptr;  // what a write of it met; null: nothing
    bool tls = false;
    std::uint64_t written = 0;  // bytes of it that the kernel took
  };

  // The verdict. nullopt: what TCP does next decides, see resetMayFollow().
  [[nodiscard]] std::optional<EndFault> judge(const EndFault& end, const Scene& scene);
  // Settling: true where an RST may still come that says more; else, and after a
  // while, settle(). `tcp` is as of now.
  [[nodiscard]] bool resetMayFollow(const std::optional<TcpSnapshot>& tcp) const;
  // `refused`: by a write.
  [[nodiscard]] EndFault settle(const std::optional<TcpSnapshot>& tcp, bool refused);

  [[nodiscard]] State state() const { return state_; }

 private:
  State state_ = State::Open;
  EndFault fin_;  // Settling: what is to be explained
  bool tls_ = false;
  std::uint64_t written_ = 0;
};

}  // namespace gatewhy
