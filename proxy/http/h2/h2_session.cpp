// SPDX-License-Identifier: Apache-2.0
// What the owner asks for. What comes in: h2_session_input.cpp; what goes out: h2_session_output.cpp.
#include "proxy/http/h2/h2_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <new>

#include "proxy/http/h2/h2_callbacks.h"

namespace gatewhy {
namespace {

H2FloodLimits floodLimits(std::uint32_t header_list) {
  constexpr std::uint32_t kFrame = 16 * 1024;  // SETTINGS_MAX_FRAME_SIZE
  H2FloodLimits limits;
  const std::uint32_t block = std::max(limits.header_block, 2 * header_list);
  limits.continuations += (block - limits.header_block) / kFrame;
  limits.header_block = block;
  return limits;
}

}  // namespace

void H2Session::Delete::operator()(nghttp2_session* session) const {
  nghttp2_session_del(session);
}

H2Session::H2Session(Role role, const Limits& limits, H2Observer& observer)
    : session_(H2Callbacks::open(*this, role == Role::Server)),
      scanner_(role == Role::Server ? kH2Preface.size() : 0),
      guard_(floodLimits(limits.header_list)),
      role_(role),
      limits_(limits),
      observer_(observer),
      trailers_(limits.trailers) {
  if (!session_) {
    throw std::bad_alloc();
  }
}

H2Session::~H2Session() = default;

H2Stream* H2Session::find(H2StreamId id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}

const H2Stream* H2Session::find(H2StreamId id) const {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}

// ---- our messages ----------------------------------------------------------

void H2Session::submitData(H2StreamId id, std::string_view data, bool ends) {
  H2Stream* stream = find(id);
  if (stream == nullptr || stream->outgoing != H2Stream::Outgoing::Begun) {
    return;
  }
  if (ends) {
    stream->outgoing = H2Stream::Outgoing::Ending;
  }
  // What is kept goes first: then nothing is gained by lending.
  stream->lend(data);
  wake(id, *stream);
  produce();
  stream->keepLent();
  stream->awaited = stream->awaited || stream->left() != 0;
  announce();
}

void H2Session::submitEnd(H2StreamId id, std::string_view trailers) {
  H2Stream* stream = find(id);
  if (stream == nullptr || stream->outgoing != H2Stream::Outgoing::Begun) {
    return;
  }
  stream->trailers.assign(trailers);
  stream->outgoing = H2Stream::Outgoing::Ending;
  wake(id, *stream);
}

void H2Session::reset(H2StreamId id, H2Code code) {
  H2Stream* stream = find(id);
  if (stream == nullptr || stream->closed()) {
    return;
  }
  overStream(id, *stream);
  submitReset(id, code);
}

void H2Session::overStream(H2StreamId id, H2Stream& stream) {
  if (!stream.stopped) {
    stream.stopped = closedWindow(id, stream);
  }
  stream.incoming = H2Stream::Incoming::Over;
  stream.outgoing = H2Stream::Outgoing::Sent;
  stream.drop();
}

void H2Session::submitReset(H2StreamId id, H2Code code) {
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, numberOf(code));
}

// ---- flow ------------------------------------------------------------------

void H2Session::consume(H2StreamId id, std::size_t size) {
  H2Stream* stream = find(id);
  if (stream == nullptr || state_ == State::Over) {
    return;
  }
  const auto used = std::min<std::uint64_t>(size, stream->unconsumed);
  stream->unconsumed -= used;
  giveBack(id, *stream, static_cast<std::size_t>(used));
  onConsumed(id, *stream);
}

// A client's credit on the connection is given back with the stream's. An
// origin's was when the bytes came: one stream that is not read holds up no other.
void H2Session::giveBack(H2StreamId id, const H2Stream& stream, std::size_t size) {
  if (role_ == Role::Client) {
    nghttp2_session_consume_stream(session_.get(), id, size);
  } else if (stream.incoming == H2Stream::Incoming::Over) {
    nghttp2_session_consume_connection(session_.get(), size);  // no more of it is wanted
  } else {
    nghttp2_session_consume(session_.get(), id, size);
  }
}

bool H2Session::blocked(H2StreamId id) const {
  return kept(id) != 0;
}

std::size_t H2Session::kept(H2StreamId id) const {
  const H2Stream* stream = find(id);
  return stream == nullptr ? 0 : stream->left();
}

bool H2Session::windowClosed(H2StreamId id) const {
  // -1 is said of a stream whose head has not left: no window holds that up.
  return (id != 0 && nghttp2_session_get_stream_remote_window_size(session_.get(), id) == 0) ||
         nghttp2_session_get_remote_window_size(session_.get()) == 0;
}

bool H2Session::holdsBack(H2StreamId id) const {
  return nghttp2_session_get_stream_local_window_size(session_.get(), id) == 0 ||
         nghttp2_session_get_local_window_size(session_.get()) <= 0;
}

std::optional<H2ClosedWindow> H2Session::closedWindow(H2StreamId id) const {
  const H2Stream* stream = find(id);
  return stream == nullptr ? std::nullopt : stream->stopped ? stream->stopped : closedWindow(id, *stream);
}

// Nothing but DATA and SETTINGS closes a stream's window, and nothing but DATA the connection's.
std::optional<H2ClosedWindow> H2Session::closedWindow(H2StreamId id, const H2Stream& stream) const {
  if (stream.left() == 0) {
    return std::nullopt;
  }
  const bool whole = nghttp2_session_get_remote_window_size(session_.get()) == 0;
  const bool own = nghttp2_session_get_stream_remote_window_size(session_.get(), id) == 0;
  if (!whole && !own) {
    return std::nullopt;
  }
  const H2Instant since = !own ? body_at_ : !whole ? stream.open_at : std::min(body_at_, stream.open_at);
  return H2ClosedWindow{.stream = own, .connection = whole, .since = since, .waiting = stream.left()};
}

std::uint64_t H2Session::bodySent(H2StreamId id) const {
  const H2Stream* stream = find(id);
  return stream == nullptr ? 0 : stream->sent;
}

void H2Session::release(H2StreamId id) {
  const H2Stream* stream = find(id);
  if (stream == nullptr) {
    return;
  }
  consume(id, static_cast<std::size_t>(stream->unconsumed));
  reset(id, H2Code::Cancel);
  streams_.erase(id);
}

void H2Session::rest() {
  if (streams_.empty() && block_ == Block::Ignored) {
    std::string().swap(out_);
    restReaders();
  }
}

// ---- connection ------------------------------------------------------------

void H2Session::closeToNewStreams() {
  if (state_ != State::Over) {
    state_ = State::Draining;
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_.get()),
                          NGHTTP2_NO_ERROR, nullptr, 0);
  }
}

void H2Session::fail(const StreamFault& fault) {
  if (state_ == State::Over || fault_) {
    return;
  }
  fault_ = std::make_unique<StreamFault>(fault);
  announce();
}

void H2Session::ping(std::uint64_t opaque) {
  std::array<std::uint8_t, sizeof opaque> octets{};
  std::copy_n(reinterpret_cast<const std::uint8_t*>(&opaque), octets.size(), octets.begin());
  nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, octets.data());
}

std::size_t H2Session::memory() const {
  std::size_t bytes = out_.size() - out_at_;
  for (const auto& [id, stream] : streams_) {
    bytes += stream.left();
  }
  return bytes;
}

}  // namespace gatewhy
