// SPDX-License-Identifier: Apache-2.0
// What an origin says on a connection of HTTP/1.1, from the socket to the
// reader: as long as the client takes it, and in turns with others. A big body
// may go to the client uncopied. Loop thread only.
#pragma once

#include "proxy/origin/h1_origin_connection.h"
#include "proxy/origin/h1_response_reader.h"
#include "proxy/origin/origin_stream.h"

namespace gatewhy {

class H1ResponsePump {
 public:
  class Owner {
   public:
    // The peer has closed, or the connection broke: transport.fault() says how.
    virtual void onEnded() = 0;

   protected:
    ~Owner() = default;
  };

  // All outlive it, but the connection, which need not once stop() was called.
  H1ResponsePump(H1OriginConnection& connection, const OriginStreamSetup& setup, H1ResponseReader& reader, Owner& owner)
      : connection_(&connection), setup_(setup), reader_(reader), owner_(owner) {}

  // What there is now. Does nothing where it is running already.
  void run();
  // Nothing is read any more; may be called from whatever run() calls.
  void stop() { connection_ = nullptr; }

 private:
  void read();
  [[nodiscard]] bool splice();

  H1OriginConnection* connection_;  // null once stopped
  const OriginStreamSetup& setup_;
  H1ResponseReader& reader_;
  Owner& owner_;
  bool running_ = false;
};

}  // namespace gatewhy
