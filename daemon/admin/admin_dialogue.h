// SPDX-License-Identifier: Apache-2.0
// What one connection of the admin listener is told for what it says: octets
// in, replies out. No socket here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/admin/admin_http.h"
#include "proxy/http/h1_parser.h"

namespace gatewhy {

// Who knows the answers, and how much may be asked. The admin loop's thread only.
class AdminDesk {
 public:
  [[nodiscard]] virtual AdminReply answer(const AdminRequest& request) = 0;
  [[nodiscard]] virtual bool trustsHost(std::string_view host) const = 0;
  // False: too many streams are open.
  [[nodiscard]] virtual bool mayStream() const = 0;
  // False: so much waits for readers already that nothing large is to be made.
  [[nodiscard]] virtual bool mayBuffer() const = 0;

 protected:
  ~AdminDesk() = default;
};

class AdminDialogue {
 public:
  // `desk` must outlive it.
  explicit AdminDialogue(AdminDesk& desk);

  enum class Status : std::uint8_t {
    NeedMore,
    Waits,  // a whole request, whose answer costs something: answer() gives it
    Answered,
  };
  struct Step {
    Status status = Status::NeedMore;
    std::size_t consumed = 0;
    std::string answer;                      // head and body
    bool close = false;                      // after the answer, which is the last
    std::optional<EventStreamStart> stream;  // follows the answer's head
  };
  // Takes at most one request, and none while one waits. Probes are answered at
  // once, as is what is wrong.
  [[nodiscard]] Step take(std::string_view bytes);
  [[nodiscard]] Step answer();  // to the request that waits
  // Whether a request has begun.
  [[nodiscard]] bool inRequest() const { return parser_.started(); }

 private:
  void onHead(Step& step);
  void send(Step& step, AdminReply reply);

  AdminDesk& desk_;
  RequestParser parser_;
  QueryPairs query_;   // of the request that waits
  bool last_ = false;  // it is the connection's last
};

}  // namespace gatewhy
