// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/h1_response_pump.h"

namespace gatewhy {
namespace {

constexpr int kReadsPerTurn = 32;  // 2 MiB, then others get their turn

}  // namespace

void H1ResponsePump::run() {
  if (running_) {
    return;
  }
  running_ = true;
  int reads = 0;
  while (connection_ != nullptr && connection_->readable && !setup_.observer.clientBlocked()) {
    if (++reads > kReadsPerTurn) {
      connection_->link->watch.kick();
      break;
    }
    if (!splice()) {
      read();
    }
  }
  running_ = false;
}

void H1ResponsePump::read() {
  const auto buffer = setup_.loop.readBuffer();
  const IoResult got = connection_->link->transport.read(buffer.data(), buffer.size());
  if (got.status == IoStatus::WouldBlock) {
    connection_->readable = false;
    return;
  }
  if (got.status == IoStatus::Ended) {
    connection_->readable = false;
    owner_.onEnded();
    return;
  }
  // `drained` spares the EAGAIN only where the message turns out to be
  // complete: a FIN or RST may have come in the same edge as the data.
  const bool drained = got.drained && !connection_->link->watch.peerClosed();
  if (drained) {
    connection_->readable = false;
  }
  reader_.onBytes({buffer.data(), got.size});
  if (connection_ != nullptr && drained) {
    connection_->readable = true;
  }
}

// A step of a big body whose length is known. False: it is to be read.
bool H1ResponsePump::splice() {
  if (reader_.ahead() < kSpliceFrom) {
    return false;
  }
  const SpliceResult got = setup_.observer.spliceResponse(connection_->link->transport, reader_.ahead());
  switch (got.status) {
    case SpliceStatus::Unsupported:
      return false;
    case SpliceStatus::WouldBlock:
      connection_->readable = false;
      return true;
    case SpliceStatus::Ended:
      connection_->readable = false;
      owner_.onEnded();
      return true;
    case SpliceStatus::Ok:
      break;
  }
  reader_.onSpliced(got.size);
  return true;
}

}  // namespace gatewhy
