// SPDX-License-Identifier: Apache-2.0
#include "proxy/origin/h1_origin_connection.h"

#include <array>
#include <utility>

#include "proxy/net/peer_progress.h"
#include "proxy/origin/h1_origin_stream.h"

namespace gatewhy {
namespace {

constexpr std::uint64_t kLargeBody = 64UL * 1024;

bool hasLargeBody(const RequestHead& head) {
  return head.body == BodyKind::Chunked || (head.body == BodyKind::Length && head.content_length > kLargeBody);
}

}  // namespace

H1OriginConnection::H1OriginConnection(EventLoop& loop, const HeadLimits& limits, std::unique_ptr<Link> over)
    : OriginConnection(loop, Sharing::Exclusive), link(std::move(over)), parser(limits) {}

std::unique_ptr<OriginStream> H1OriginConnection::open(const OriginStreamSetup& setup) {
  return std::make_unique<H1OriginStream>(*this, setup);
}

void H1OriginConnection::carry(const RequestHead& request, Strictness strictness, IoHandler& handler) {
  in_step = false;
  link->watch.setHandler(&handler);
  parser.reset();
  parser.expect(request.method);
  parser.mendFaults(strictness == Strictness::Report);
  if (!unsent_bounded_ && hasLargeBody(request)) {
    unsent_bounded_ = true;
    boundUnsentBytes(link->transport.fd());
  }
}

bool H1OriginConnection::beginIdle() {
  if (readable && !isSilent()) {
    return false;
  }
  readable = false;
  link->watch.setHandler(this);
  return true;
}

void H1OriginConnection::onIo(bool is_readable, bool /*writable*/) {
  if (is_readable && !isSilent()) {
    leavePool();
  }
}

// An edge may be older than what was read since then, for a response comes in
// pieces; and TLS 1.3 servers send session tickets whenever they like. Reading
// yields no application byte in either case.
bool H1OriginConnection::isSilent() {
  std::array<char, UnsolicitedRecord::kExcerpt> bytes{};
  const IoResult got = link->transport.read(bytes.data(), bytes.size());
  if (got.status == IoStatus::Ok) {
    noteUnsolicited(std::string_view(bytes.data(), got.size));
  }
  return got.status == IoStatus::WouldBlock;
}

}  // namespace gatewhy
