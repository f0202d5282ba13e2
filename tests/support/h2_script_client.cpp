// SPDX-License-Identifier: Apache-2.0
#include "tests/support/h2_script_client.h"

#include <fmt/core.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <charconv>

#include "diagnostics/reason_phrase.h"

namespace gatewhy::test {
namespace {

constexpr unsigned kSwitching = 101;

std::string_view octetsAsText(const std::uint8_t* octets, std::size_t size) {
  return {reinterpret_cast<const char*>(octets), size};
}

std::vector<nghttp2_nv> forNghttp2(const H2TextFields& fields) {
  const auto octets = [](const std::string& text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));  // nghttp2 reads them
  };
  std::vector<nghttp2_nv> list;
  list.reserve(fields.size());
  for (const auto& [name, value] : fields) {
    list.push_back({octets(name), octets(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  return list;
}

bool isInterim(const ClientResponse& response) {
  constexpr unsigned kFinal = 200;
  return response.status != kSwitching && response.status < kFinal;
}

std::string asHttp1(const ClientResponse& response) {
  std::string head =
      fmt::format("HTTP/1.1 {} {}\r\n", response.status, reasonPhrase(static_cast<std::uint16_t>(response.status)));
  for (const auto& [name, value] : response.headers) {
    head += fmt::format("{}: {}\r\n", name, value);
  }
  return head + "\r\n";
}

}  // namespace

struct H2ScriptCallbacks {
  static H2ScriptClient& owner(void* user) { return *static_cast<H2ScriptClient*>(user); }

  static int onBegin(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* user) {
    H2ScriptClient::Stream* stream = owner(user).find(frame->hd.stream_id);
    if (stream != nullptr && frame->headers.cat != NGHTTP2_HCAT_PUSH_RESPONSE &&
        (stream->responses.empty() || isInterim(stream->responses.back()))) {
      stream->responses.emplace_back();
    }
    return 0;
  }

  static int onHeader(nghttp2_session* /*session*/, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t /*flags*/,
                      void* user) {
    H2ScriptClient::Stream* stream = owner(user).find(frame->hd.stream_id);
    if (stream == nullptr || stream->responses.empty() || stream->responses.back().head_complete) {
      return 0;  // a trailer
    }
    ClientResponse& response = stream->responses.back();
    const std::string_view text = octetsAsText(value, value_size);
    if (octetsAsText(name, name_size) == ":status") {
      std::from_chars(text.data(), text.data() + text.size(), response.status);
      const bool connected = stream->tunnel && response.status == 200;  // RFC 8441 section 5
      response.status = connected ? kSwitching : response.status;
    } else {
      response.headers.emplace_back(octetsAsText(name, name_size), text);
    }
    return 0;
  }

  static int onFrame(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* user) {
    H2ScriptClient& client = owner(user);
    if (frame->hd.type == NGHTTP2_PING) {
      client.pongs_ += (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 ? 1 : 0;
    }
    H2ScriptClient::Stream* stream = client.find(frame->hd.stream_id);
    if (stream == nullptr) {
      return 0;
    }
    if (frame->hd.type == NGHTTP2_HEADERS && !stream->responses.empty() && !stream->responses.back().head_complete) {
      ClientResponse& response = stream->responses.back();
      response.head_complete = true;
      response.complete = isInterim(response) || response.status == kSwitching;
      client.say(asHttp1(response));
      stream->head_until = client.record_.received_total;
    }
    const bool message = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (message && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      stream->over = true;
      stream->responses.back().complete = true;
    } else if (frame->hd.type == NGHTTP2_RST_STREAM && !stream->over) {
      stream->over = true;
      stream->reset = true;
    }
    return 0;
  }

  static int onData(nghttp2_session* /*session*/, std::uint8_t /*flags*/, std::int32_t id, const std::uint8_t* data,
                    std::size_t size, void* user) {
    if (H2ScriptClient::Stream* stream = owner(user).find(id)) {
      stream->responses.back().body += octetsAsText(data, size);
      owner(user).say(octetsAsText(data, size));
    }
    return 0;
  }

  static int onClosed(nghttp2_session* /*session*/, std::int32_t id, std::uint32_t /*code*/, void* user) {
    H2ScriptClient::Stream* stream = owner(user).find(id);
    if (stream != nullptr && !stream->over) {  // refused by GOAWAY
      stream->over = true;
      stream->reset = true;
    }
    return 0;
  }

  static ssize_t readUpload(nghttp2_session* session, std::int32_t id, std::uint8_t* buffer, std::size_t most,
                            std::uint32_t* flags, nghttp2_data_source* /*source*/, void* user) {
    H2ScriptClient::Stream& stream = *owner(user).find(id);
    if (stream.upload.empty() && !stream.upload_ends) {
      stream.upload_waits = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    const std::size_t size = stream.upload.copy(reinterpret_cast<char*>(buffer), most);
    stream.upload.erase(0, size);
    if (stream.upload.empty() && stream.upload_ends) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!stream.trailers.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const std::vector<nghttp2_nv> fields = forNghttp2(stream.trailers);
        nghttp2_submit_trailer(session, id, fields.data(), fields.size());
      }
    }
    return static_cast<ssize_t>(size);
  }
};

H2ScriptClient::H2ScriptClient(Fd socket, const SessionEnvironment& environment, SessionRecord& record)
    : socket_(std::move(socket), false, environment.stop),
      environment_(environment),
      record_(record),
      request_("http") {}

H2ScriptClient::~H2ScriptClient() {
  nghttp2_session_del(session_);
}

std::vector<ClientResponse> H2ScriptClient::responses() const {
  std::vector<ClientResponse> all;
  for (const auto& [id, stream] : streams_) {
    all.insert(all.end(), stream.responses.begin(), stream.responses.end());
  }
  return all;
}

void H2ScriptClient::run(const Script& script) {
  Ended ended;
  holds_ = std::any_of(script.begin(), script.end(), [](const Step& step) { return step.kind == StepKind::Hold; });
  for (auto at = script.begin(); at != script.end() && socket_.open() && !ended; ++at) {
    ended = step(*at);
  }
  socket_.close();
  record_.end = ended.value_or(SessionEnd::Finished);
  record_.error = failure_.empty() && ended ? socket_.error() : failure_;
}

H2ScriptClient::Ended H2ScriptClient::step(const Step& step) {
  switch (step.kind) {
    case StepKind::Tls:
      return handshake(step);
    case StepKind::Send:
      return send(step.text);
    case StepKind::Repeat:
      return repeat(step.count, step.text);
    case StepKind::SendRaw:
      return socket_.sendBeneathTls(step.text);
    case StepKind::ReadResponse:
      return readResponse();
    case StepKind::Read:
      return readCount(step.count);
    case StepKind::Pause:
      return socket_.pause(step.duration);
    case StepKind::Signal:
    case StepKind::Wait:
      return signalOrWait(step);
    case StepKind::Run:
      return environment_.on_run && environment_.on_run(step.text) ? std::nullopt : fail("could not run: " + step.text);
    case StepKind::Fin:
      return fin();
    case StepKind::Reset:
      return reset();
    case StepKind::Close:
      socket_.close();
      return std::nullopt;
    case StepKind::Hold:
    case StepKind::WaitClose:
      return waitClose();
    case StepKind::H2:
      stream_window_ = static_cast<std::uint32_t>(std::stoul(std::string(step.option("initial_window_size"))));
      return std::nullopt;
    case StepKind::Stream:
      current_ = static_cast<std::int32_t>(step.count);
      return std::nullopt;
    case StepKind::WindowUpdate:
      return openWindow(step.count);
    case StepKind::LastData:
      return endUpload(step.text);
    case StepKind::Ping:
      return ping();
    default:
      return fail(fmt::format("'{}' has no meaning for an HTTP/2 client", name(step.kind)));
  }
}

H2ScriptClient::Ended H2ScriptClient::fail(std::string message) {
  failure_ = std::move(message);
  return SessionEnd::Error;
}

H2ScriptClient::Ended H2ScriptClient::handshake(const Step& step) {
  static const TlsFiles kNoFiles;
  Step with_alpn = step;
  with_alpn.options.emplace_back("alpn", "h2");
  const TlsFiles& files = environment_.tls_files != nullptr ? *environment_.tls_files : kNoFiles;
  if (const Ended ended = socket_.handshake(with_alpn, files)) {
    return ended;
  }
  record_.tls_established = true;
  record_.alpn = socket_.alpn();
  request_.setScheme("https");
  return record_.alpn == "h2" ? std::nullopt : fail("ALPN did not choose h2");
}

// The preface and SETTINGS leave with what is sent first.
void H2ScriptClient::open() {
  if (session_ != nullptr) {
    return;
  }
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, H2ScriptCallbacks::onBegin);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, H2ScriptCallbacks::onHeader);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, H2ScriptCallbacks::onFrame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, H2ScriptCallbacks::onData);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, H2ScriptCallbacks::onClosed);
  nghttp2_option* options = nullptr;
  nghttp2_option_new(&options);
  nghttp2_option_set_no_auto_window_update(options, holds_ ? 1 : 0);
  nghttp2_option_set_no_http_messaging(options, 1);  // stories send what no good client would
  nghttp2_session_client_new2(&session_, callbacks, this, options);
  nghttp2_option_del(options);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry window{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window_.value_or(0)};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &window, stream_window_ ? 1 : 0);
}

H2ScriptClient::Ended H2ScriptClient::openWindow(std::uint64_t size) {
  open();
  nghttp2_submit_window_update(session_, NGHTTP2_FLAG_NONE, current_, static_cast<std::int32_t>(size));
  return flush();
}

H2ScriptClient::Stream* H2ScriptClient::find(std::int32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}

bool H2ScriptClient::allOver() const {
  return std::all_of(streams_.begin(), streams_.end(), [](const auto& stream) { return stream.second.over; });
}

void H2ScriptClient::say(std::string_view text) {
  record_.received_total += text.size();
  record_.received += text.substr(0, kRecordLimit - std::min(kRecordLimit, record_.received.size()));
}

// ---- sending ----------------------------------------------------------------

H2ScriptClient::Ended H2ScriptClient::send(std::string_view text) {
  constexpr std::string_view kProxyHeader = "PROXY ";
  if (session_ == nullptr && text.starts_with(kProxyHeader)) {
    const std::size_t end = std::min(text.find("\r\n"), text.size() - 2) + 2;
    if (const Ended ended = socket_.send(text.substr(0, end))) {
      return ended;
    }
    text.remove_prefix(end);
  }
  open();
  request_.feed(text);
  while (const auto event = request_.next()) {
    if (event->kind == H2RequestText::Event::Kind::Head) {
      begin(*event);
      continue;
    }
    Stream& stream = streams_[current_];
    stream.upload += event->body;
    stream.trailers = event->fields;
    stream.upload_ends = event->ends;
    wake(current_, stream);
  }
  return flush();
}

H2ScriptClient::Ended H2ScriptClient::repeat(std::uint64_t count, std::string_view text) {
  std::string all;
  all.reserve(count * text.size());
  for (std::uint64_t i = 0; i < count; ++i) {
    all += text;
  }
  return send(all);
}

void H2ScriptClient::begin(const H2RequestText::Event& event) {
  const std::vector<nghttp2_nv> fields = forNghttp2(event.fields);
  nghttp2_data_provider upload{};
  upload.read_callback = H2ScriptCallbacks::readUpload;
  current_ =
      nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), event.ends ? nullptr : &upload, nullptr);
  streams_[current_].tunnel = event.tunnel;
  unread_.push_back(current_);
}

void H2ScriptClient::wake(std::int32_t id, Stream& stream) {
  if (std::exchange(stream.upload_waits, false)) {
    nghttp2_session_resume_data(session_, id);
  }
}

H2ScriptClient::Ended H2ScriptClient::flush() {
  const std::uint8_t* octets = nullptr;
  ssize_t size = 0;
  while ((size = nghttp2_session_mem_send(session_, &octets)) > 0) {
    if (const Ended ended = socket_.send(octetsAsText(octets, static_cast<std::size_t>(size)))) {
      return ended;
    }
  }
  return size == 0 ? std::nullopt : fail(nghttp2_strerror(static_cast<int>(size)));
}

H2ScriptClient::Ended H2ScriptClient::reset() {
  open();
  for (const auto& [id, stream] : streams_) {
    if (!stream.over) {
      nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    }
  }
  const Ended ended = ping();  // else the end of the connection could come first
  socket_.close();
  return ended;
}

H2ScriptClient::Ended H2ScriptClient::ping() {
  open();
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  const int before = pongs_;
  Ended ended = flush();
  while (!ended && pongs_ == before) {
    ended = receive();
  }
  return ended;
}

H2ScriptClient::Ended H2ScriptClient::fin() {
  Stream* stream = find(current_);
  if (stream == nullptr || !stream->tunnel) {
    socket_.shutdownWrite();
    return std::nullopt;
  }
  return endUpload({});
}

H2ScriptClient::Ended H2ScriptClient::endUpload(std::string_view text) {
  Stream* stream = find(current_);
  if (stream == nullptr) {
    return fail("there is no request to be ended");
  }
  stream->upload += text;
  stream->upload_ends = true;
  wake(current_, *stream);
  return flush();
}

// ---- reading ----------------------------------------------------------------

H2ScriptClient::Ended H2ScriptClient::receive() {
  open();
  std::string bytes;
  Ended ended = flush();
  ended = ended == SessionEnd::PeerReset ? std::nullopt : ended;  // what came before can still be read
  ended = ended ? ended : socket_.receive(bytes);
  const ssize_t used =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (used < 0) {
    ended = fail(fmt::format("no HTTP/2: {}", nghttp2_strerror(static_cast<int>(used))));
  }
  if (ended) {
    breakStreams();
  }
  return ended;
}

void H2ScriptClient::breakStreams() {
  for (auto& [id, stream] : streams_) {
    stream.reset = stream.reset || !stream.over;
    stream.over = true;
  }
}

H2ScriptClient::Ended H2ScriptClient::readResponse() {
  if (unread_.empty()) {
    Ended ended;
    while (!ended) {
      ended = receive();
    }
    return ended;
  }
  Stream& stream = streams_[unread_.front()];
  unread_.pop_front();
  const auto answered = [&stream] {
    return stream.over || (stream.tunnel && !stream.responses.empty() && stream.responses.back().status == kSwitching &&
                           stream.responses.back().head_complete);
  };
  while (!answered()) {
    if (const Ended ended = receive(); ended && !answered()) {
      return ended;
    }
  }
  taken_ = stream.over ? record_.received_total : stream.head_until;
  if (stream.tunnel && stream.over) {
    request_.leaveTunnel();
  }
  return stream.reset ? Ended(SessionEnd::PeerReset) : flush();
}

H2ScriptClient::Ended H2ScriptClient::readCount(std::uint64_t count) {
  taken_ += count;
  while (record_.received_total < taken_) {
    if (const Ended ended = receive()) {
      return ended;
    }
  }
  return std::nullopt;
}

H2ScriptClient::Ended H2ScriptClient::waitClose() {
  Ended ended;
  while (!ended && (streams_.empty() || !allOver())) {
    ended = receive();
  }
  const bool reset = std::any_of(streams_.begin(), streams_.end(), [](const auto& each) { return each.second.reset; });
  return ended ? ended : reset ? SessionEnd::PeerReset : SessionEnd::PeerClosed;
}

H2ScriptClient::Ended H2ScriptClient::signalOrWait(const Step& step) {
  if (environment_.signals == nullptr) {
    return fail("there is nobody to signal or to wait for");
  }
  if (step.kind == StepKind::Signal) {
    environment_.signals->raise(step.text);
    return std::nullopt;
  }
  return environment_.signals->wait(step.text) ? std::nullopt : Ended(SessionEnd::Stopped);
}

}  // namespace gatewhy::test
