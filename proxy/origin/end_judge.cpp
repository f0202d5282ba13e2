// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/end_judge.h"

#include <netinet/tcp.h>

#include <cerrno>

namespace gatewhy {

std::optional<EndFault> EndJudge::judge(const EndFault& end, const Scene& scene) {
  // A failed write took the socket's error with it, and the read behind it
  // says FIN: ECONNRESET there was the RST, EPIPE comes after a real FIN.
  const bool reset_on_write = scene.broken != nullptr && scene.broken->error == ECONNRESET;
  if (scene.answered || scene.reused || reset_on_write || end.how != EndFault::How::Fin) {
    state_ = State::Judged;
    EndFault judged = end;
    if (!scene.answered && scene.broken != nullptr) {
      judged = *scene.broken;
      judged.on_write = true;
    }
    return judged;
  }
  state_ = State::Settling;
  fin_ = end;
  tls_ = scene.tls;
  written_ = scene.written;
  return std::nullopt;
}

// FIN without a byte. Had the peer closed before our request reached it, its
// TCP answers the request with RST; if it read the request first, with nothing
// more. Where the request is not acknowledged yet, either may come.
bool EndJudge::resetMayFollow(const std::optional<TcpSnapshot>& tcp) const {
  return tcp && tcp->state != TCP_CLOSE && !tls_ && tcp->bytes_acked < written_;
}

EndFault EndJudge::settle(const std::optional<TcpSnapshot>& tcp, bool refused) {
  state_ = State::Judged;
  EndFault end = fin_;
  end.reset_after_fin = (tcp && tcp->state == TCP_CLOSE) || refused;
  return end;
}

}  // namespace gatewhy
