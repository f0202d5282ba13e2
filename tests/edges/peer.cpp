// SPDX-License-Identifier: Apache-2.0
#include "tests/edges/peer.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <array>
#include <utility>

namespace gatewhy::test {

void Peer::speakTls(SSL_CTX* context, bool server) {
  ssl_.reset(SSL_new(context));
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
}

bool Peer::pump() {
  const std::string written = std::exchange(socket.out, {});
  if (ssl_ == nullptr) {
    heard += written;
    return !written.empty();
  }
  if (!written.empty()) {
    BIO_write(SSL_get_rbio(ssl_.get()), written.data(), static_cast<int>(written.size()));
  }
  std::array<char, 16384> buffer{};
  int got = 0;
  while ((got = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()))) > 0) {  // shakes hands too
    heard.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ERR_clear_error();
  const std::size_t before = socket.in.size();
  flush();
  return !written.empty() || socket.in.size() != before;
}

void Peer::flush() {
  std::array<char, 16384> buffer{};
  int got = 0;
  while ((got = BIO_read(SSL_get_wbio(ssl_.get()), buffer.data(), static_cast<int>(buffer.size()))) > 0) {
    (withholds_ ? withheld_ : socket.in).append(buffer.data(), static_cast<std::size_t>(got));
    socket.pending = socket.pending || !withholds_;
  }
}

void Peer::sendPart(std::ptrdiff_t parts) {
  part_ = part_ != 0 ? part_ : withheld_.size() / static_cast<std::size_t>(parts) + 1;
  EXPECT_NE(part_, 1U) << "nothing was withheld";
  socket.in += withheld_.substr(0, part_);
  withheld_.erase(0, part_);
  socket.pending = true;
}

void Peer::say(std::string_view text) {
  if (ssl_ != nullptr) {
    EXPECT_EQ(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())), static_cast<int>(text.size()));
    flush();
  } else {
    socket.in += text;
  }
  socket.pending = true;
}

void Peer::sayNothing() {
  EXPECT_EQ(isServer() ? SSL_new_session_ticket(ssl_.get()) : SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED),
            1);
  EXPECT_EQ(SSL_do_handshake(ssl_.get()), 1);
  flush();
}

void Peer::closeNotify() {
  if (ssl_ == nullptr) {
    return;
  }
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  flush();
}

void Peer::alert() {
  BIO_write(SSL_get_rbio(ssl_.get()), kNoRecord.data(), static_cast<int>(kNoRecord.size()));
  char byte = 0;
  EXPECT_LE(SSL_read(ssl_.get(), &byte, 1), 0);
  ERR_clear_error();
  flush();
}

}  // namespace gatewhy::test
