// SPDX-License-Identifier: Apache-2.0
// HTTP/2 with a gateway by a client whose frames and HPACK are nghttp2's:
// blocking, but never for longer than kPatience. Frames that a good client
// would not send go beside it with raw() (tests/support/h2_frames.h).
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/integration/socket.h"

struct nghttp2_session;

namespace gatewhy::test {

using H2ClientFields = std::vector<std::pair<std::string, std::string>>;

// What has come of an answer.
struct H2ClientAnswer {
  unsigned status = 0;  // 0: no final head yet
  H2ClientFields fields, trailers;
  std::vector<unsigned> interims;
  std::string body;
  bool ended = false;                  // END_STREAM
  std::optional<std::uint32_t> reset;  // the code of RST_STREAM

  [[nodiscard]] std::string field(std::string_view name) const;    // "" where absent; names are in lower case
  [[nodiscard]] std::string trailer(std::string_view name) const;  // the same
};

struct H2ClientGoAway {
  std::int32_t last_stream = 0;
  std::uint32_t code = 0;
  std::string debug;
};

struct H2ClientOptions {
  bool tls = false;  // with ALPN "h2"; certificates are not verified
  std::string server_name = "localhost";
  std::vector<std::pair<std::int32_t, std::uint32_t>> settings;  // by number, RFC 9113 section 6.5.2
  std::int32_t connection_window = 65535;
  bool consumes = true;  // windows open by themselves; else by consume()
};

class H2Client {
 public:
  // The handshake, preface and SETTINGS. Not open() where that failed; `socket`
  // is connected.
  explicit H2Client(Socket socket, H2ClientOptions options = {});
  ~H2Client();
  H2Client(const H2Client&) = delete;
  H2Client& operator=(const H2Client&) = delete;

  // ":method" GET of https://localhost/path, to be edited.
  [[nodiscard]] static H2ClientFields get(std::string_view path);
  [[nodiscard]] static H2ClientFields post(std::string_view path, H2ClientFields more = {});

  [[nodiscard]] bool open() const { return open_; }  // neither side has closed it
  [[nodiscard]] std::string protocol() const;        // by ALPN; "" without TLS

  // Each sends what it can at once. The stream's id; -1 where none can be opened.
  std::int32_t request(const H2ClientFields& fields) { return begin(fields, true); }
  std::int32_t begin(const H2ClientFields& fields, bool ends = false);
  void data(std::int32_t stream, std::string_view data, bool ends = false);  // waits for windows when it is sent
  void trailers(std::int32_t stream, const H2ClientFields& fields);
  void reset(std::int32_t stream, std::uint32_t code);
  void consume(std::int32_t stream, std::size_t size);
  void ping();
  void goAway(std::uint32_t code);
  void raw(std::string_view frames);                            // past nghttp2
  [[nodiscard]] std::size_t unsent(std::int32_t stream) const;  // octets of data() that no window lets out

  // Reads until `done` says so: true; false where the connection ended, or
  // kPatience did, before.
  bool readUntil(const std::function<bool()>& done);
  // Until the stream is over, one way or another.
  const H2ClientAnswer& await(std::int32_t stream);
  const H2ClientAnswer& awaitHead(std::int32_t stream);
  bool awaitGoAway() {
    return readUntil([this] { return go_away_.has_value(); });
  }
  bool awaitEnd();  // of the connection

  [[nodiscard]] const H2ClientAnswer& answer(std::int32_t stream) { return answers_[stream]; }
  [[nodiscard]] const std::optional<H2ClientGoAway>& goneAway() const { return go_away_; }  // the last
  [[nodiscard]] const std::vector<H2ClientGoAway>& goAways() const { return go_aways_; }
  [[nodiscard]] int pongs() const { return pongs_; }
  // Of the server's SETTINGS; nullopt before they came.
  [[nodiscard]] std::optional<std::uint32_t> setting(std::int32_t id) const;
  [[nodiscard]] Socket& socket() { return socket_; }

 private:
  friend struct H2ClientCallbacks;
  struct Upload {
    std::string left;
    bool ends = false;
    bool waits = false;  // nghttp2 asks no more
    std::optional<H2ClientFields> trailers;
  };
  struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  struct FreeConnection {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  [[nodiscard]] bool handshake();
  void makeSession();
  void flush();
  bool write(std::string_view bytes);
  bool receive();
  void wake(std::int32_t stream);

  Socket socket_;
  H2ClientOptions options_;
  std::unique_ptr<SSL_CTX, FreeContext> context_;
  std::unique_ptr<SSL, FreeConnection> ssl_;
  nghttp2_session* session_ = nullptr;
  bool open_ = false;
  std::map<std::int32_t, H2ClientAnswer> answers_;
  std::set<std::int32_t> headed_;  // whose final head is whole
  std::map<std::int32_t, Upload> uploads_;
  std::map<std::int32_t, std::uint32_t> settings_;  // of the server
  std::optional<H2ClientGoAway> go_away_;
  std::vector<H2ClientGoAway> go_aways_;
  int pongs_ = 0;
};

}  // namespace gatewhy::test
