// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/h2_client.h"

#include <nghttp2/nghttp2.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "tests/support/child_process.h"

namespace gatewhy::test {
namespace {

std::string_view textOf(const std::uint8_t* octets, std::size_t size) {
  return {reinterpret_cast<const char*>(octets), size};
}

std::vector<nghttp2_nv> toNghttp2(const H2ClientFields& fields) {
  std::vector<nghttp2_nv> out;
  for (const auto& [name, value] : fields) {
    auto* name_octets = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data()));
    auto* value_octets = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data()));
    out.push_back({name_octets, value_octets, name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  return out;
}

std::string valueIn(const H2ClientFields& fields, std::string_view name) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [name](const auto& each) { return each.first == name; });
  return found == fields.end() ? std::string() : found->second;
}

}  // namespace

std::string H2ClientAnswer::field(std::string_view name) const {
  return valueIn(fields, name);
}

std::string H2ClientAnswer::trailer(std::string_view name) const {
  return valueIn(trailers, name);
}

// nghttp2 calls these.
struct H2ClientCallbacks {
  static H2Client& of(void* user) { return *static_cast<H2Client*>(user); }

  static int onHeader(nghttp2_session* /*session*/, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t /*flags*/,
                      void* user) {
    H2Client& client = of(user);
    H2ClientAnswer& answer = client.answers_[frame->hd.stream_id];
    const std::string field(textOf(name, name_size));
    const std::string text(textOf(value, value_size));
    if (field == ":status") {
      answer.status = static_cast<unsigned>(std::stoul(text));
    } else {
      (client.headed_.count(frame->hd.stream_id) != 0 ? answer.trailers : answer.fields).emplace_back(field, text);
    }
    return 0;
  }

  static int onFrame(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* user) {
    H2Client& client = of(user);
    const std::int32_t stream = frame->hd.stream_id;
    const bool is_message = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (frame->hd.type == NGHTTP2_HEADERS) {
      endHead(client, stream);
    } else if (frame->hd.type == NGHTTP2_RST_STREAM) {
      client.answers_[stream].reset = frame->rst_stream.error_code;
    } else if (frame->hd.type == NGHTTP2_GOAWAY) {
      client.go_away_ = H2ClientGoAway{
          .last_stream = frame->goaway.last_stream_id,
          .code = frame->goaway.error_code,
          .debug = std::string(textOf(frame->goaway.opaque_data, frame->goaway.opaque_data_len)),
      };
      client.go_aways_.push_back(*client.go_away_);
    } else if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
      ++client.pongs_;
    } else if (frame->hd.type == NGHTTP2_SETTINGS) {
      for (std::size_t at = 0; at < frame->settings.niv; ++at) {
        client.settings_[frame->settings.iv[at].settings_id] = frame->settings.iv[at].value;
      }
    }
    if (is_message && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      client.answers_[stream].ended = true;
    }
    return 0;
  }

  static void endHead(H2Client& client, std::int32_t stream) {
    H2ClientAnswer& answer = client.answers_[stream];
    constexpr unsigned kFinal = 200;
    if (answer.status >= kFinal) {
      client.headed_.insert(stream);
    } else {
      answer.interims.push_back(answer.status);
      answer.status = 0;
      answer.fields.clear();
    }
  }

  static int onData(nghttp2_session* /*session*/, std::uint8_t /*flags*/, std::int32_t stream, const std::uint8_t* data,
                    std::size_t size, void* user) {
    of(user).answers_[stream].body.append(textOf(data, size));
    return 0;
  }

  static ssize_t readUpload(nghttp2_session* session, std::int32_t stream, std::uint8_t* buffer, std::size_t most,
                            std::uint32_t* flags, nghttp2_data_source* /*source*/, void* user) {
    H2Client::Upload& upload = of(user).uploads_[stream];
    if (upload.left.empty() && !upload.ends) {
      upload.waits = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    const std::size_t size = upload.left.copy(reinterpret_cast<char*>(buffer), most);
    upload.left.erase(0, size);
    if (upload.left.empty() && upload.ends) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (upload.trailers) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const std::vector<nghttp2_nv> fields = toNghttp2(*upload.trailers);
        nghttp2_submit_trailer(session, stream, fields.data(), fields.size());
      }
    }
    return static_cast<ssize_t>(size);
  }
};

H2Client::H2Client(Socket socket, H2ClientOptions options) : socket_(std::move(socket)), options_(std::move(options)) {
  open_ = socket_.open() && (!options_.tls || handshake());
  if (open_) {
    socket_.sendAtOnce();
    makeSession();
    flush();
  }
}

H2Client::~H2Client() {
  nghttp2_session_del(session_);
}

bool H2Client::handshake() {
  constexpr std::array<unsigned char, 3> kAlpn = {2, 'h', '2'};
  const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
  ::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket_.fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_alpn_protos(context_.get(), kAlpn.data(), kAlpn.size());
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_tlsext_host_name(ssl_.get(), options_.server_name.c_str());
  SSL_set_fd(ssl_.get(), socket_.fd());
  return SSL_connect(ssl_.get()) == 1;
}

std::string H2Client::protocol() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  if (ssl_) {
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  }
  return std::string(textOf(name, size));
}

void H2Client::makeSession() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, H2ClientCallbacks::onHeader);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, H2ClientCallbacks::onFrame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, H2ClientCallbacks::onData);
  nghttp2_option* choices = nullptr;
  nghttp2_option_new(&choices);
  nghttp2_option_set_no_auto_window_update(choices, options_.consumes ? 0 : 1);
  nghttp2_session_client_new2(&session_, callbacks, this, choices);
  nghttp2_option_del(choices);
  nghttp2_session_callbacks_del(callbacks);
  std::vector<nghttp2_settings_entry> entries;
  for (const auto& [id, value] : options_.settings) {
    entries.push_back({id, value});
  }
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries.data(), entries.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, options_.connection_window);
}

H2ClientFields H2Client::get(std::string_view path) {
  return {{":method", "GET"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", std::string(path)}};
}

H2ClientFields H2Client::post(std::string_view path, H2ClientFields more) {
  H2ClientFields fields = get(path);
  fields.front().second = "POST";
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

std::int32_t H2Client::begin(const H2ClientFields& fields, bool ends) {
  if (!open_) {
    return -1;
  }
  const std::vector<nghttp2_nv> list = toNghttp2(fields);
  nghttp2_data_provider body{};
  body.read_callback = H2ClientCallbacks::readUpload;
  const std::int32_t stream =
      nghttp2_submit_request(session_, nullptr, list.data(), list.size(), ends ? nullptr : &body, nullptr);
  flush();
  return stream;
}

void H2Client::data(std::int32_t stream, std::string_view data, bool ends) {
  Upload& upload = uploads_[stream];
  upload.left.append(data);
  upload.ends = ends;
  wake(stream);
}

void H2Client::trailers(std::int32_t stream, const H2ClientFields& fields) {
  Upload& upload = uploads_[stream];
  upload.trailers = fields;
  upload.ends = true;
  wake(stream);
}

void H2Client::wake(std::int32_t stream) {
  if (std::exchange(uploads_[stream].waits, false)) {
    nghttp2_session_resume_data(session_, stream);
  }
  flush();
}

void H2Client::reset(std::int32_t stream, std::uint32_t code) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, code);
  flush();
}

void H2Client::consume(std::int32_t stream, std::size_t size) {
  nghttp2_session_consume(session_, stream, size);
  flush();
}

void H2Client::ping() {
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  flush();
}

void H2Client::goAway(std::uint32_t code) {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, 0, code, nullptr, 0);
  flush();
}

void H2Client::raw(std::string_view frames) {
  flush();
  write(frames);
}

std::size_t H2Client::unsent(std::int32_t stream) const {
  const auto upload = uploads_.find(stream);
  return upload == uploads_.end() ? 0 : upload->second.left.size();
}

std::optional<std::uint32_t> H2Client::setting(std::int32_t id) const {
  const auto found = settings_.find(id);
  return found == settings_.end() ? std::nullopt : std::optional(found->second);
}

void H2Client::flush() {
  const std::uint8_t* octets = nullptr;
  ssize_t size = 0;
  while (open_ && (size = nghttp2_session_mem_send(session_, &octets)) > 0) {
    write(textOf(octets, static_cast<std::size_t>(size)));
  }
}

bool H2Client::write(std::string_view bytes) {
  if (bytes.empty()) {
    return open_;
  }
  const bool sent =
      ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0 : socket_.send(bytes);
  // What came before the peer closed can still be read.
  return sent;
}

bool H2Client::receive() {
  constexpr std::size_t kRead = 64 * 1024;
  if (!ssl_) {
    return socket_.receive();
  }
  std::string& buffer = socket_.buffer();
  const std::size_t had = buffer.size();
  buffer.resize(had + kRead);
  const int size = SSL_read(ssl_.get(), buffer.data() + had, kRead);
  buffer.resize(had + static_cast<std::size_t>(std::max(size, 0)));
  return size > 0;
}

bool H2Client::readUntil(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    if (!open_ || std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    open_ = receive();
    const std::string bytes = std::exchange(socket_.buffer(), {});
    const ssize_t used =
        nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (used < 0) {
      open_ = false;  // no HTTP/2
    }
    flush();
  }
  return true;
}

const H2ClientAnswer& H2Client::await(std::int32_t stream) {
  H2ClientAnswer& answer = answers_[stream];
  readUntil([&answer] { return answer.ended || answer.reset; });
  return answer;
}

const H2ClientAnswer& H2Client::awaitHead(std::int32_t stream) {
  H2ClientAnswer& answer = answers_[stream];
  readUntil([&] { return headed_.count(stream) != 0 || answer.reset; });
  return answer;
}

bool H2Client::awaitEnd() {
  readUntil([] { return false; });
  return !open_;
}

}  // namespace gatewhy::test
