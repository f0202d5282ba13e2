// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/admin_client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iterator>
#include <nlohmann/json.hpp>
#include <system_error>

#include "daemon/commands/config_text.h"
#include "proxy/http/h1_parser.h"
#include "proxy/loop/fd.h"

namespace gatewhy {
namespace {

constexpr timeval kAnswerPatience{.tv_sec = 5, .tv_usec = 0};
constexpr std::size_t kMostBody = 64UL << 20U;

std::string reason() {
  return errno == EAGAIN || errno == EINPROGRESS ? "it does not answer in time"
                                                 : std::generic_category().message(errno);
}

// Takes an answer apart as it comes.
class AnswerReader {
 public:
  explicit AnswerReader(bool to_head)
      : parser_(HeadLimits{.section = 64UL * 1024, .start_line = 0, .field = 16UL * 1024, .fields = 128}) {
    parser_.expect(to_head ? Method::Head : Method::Get);
  }

  // False: the answer is whole, or cannot be understood.
  bool take(std::string_view bytes) {
    if (!in_body_) {
      const ParseStep step = parser_.feed(bytes);
      if (step.status != ParseStatus::Done) {
        return step.status == ParseStatus::NeedMore;
      }
      in_body_ = true;
      answer_.status = parser_.head().status;
      decoder_.start(parser_.head().body, parser_.head().content_length);
      bytes.remove_prefix(step.consumed);
    }
    while (!decoder_.done() && !bytes.empty()) {
      const BodyDecoder::Step step = decoder_.feed(bytes);
      if (step.status == ParseStatus::Error || answer_.body.size() + step.data.size() > kMostBody) {
        return false;
      }
      answer_.body += step.data;
      bytes.remove_prefix(step.consumed);
    }
    return !decoder_.done();
  }
  // After take() returned false, or the end of the stream.
  bool whole() { return in_body_ && (decoder_.done() || decoder_.finish()); }
  AdminAnswer& answer() { return answer_; }

 private:
  ResponseParser parser_;
  BodyDecoder decoder_;
  bool in_body_ = false;
  AdminAnswer answer_;
};

bool sendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) {
      continue;
    }
    if (sent <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

Result<AdminClient, std::string> AdminClient::create(std::string_view address) {
  std::string text(address.starts_with("http://") ? address.substr(7) : address);
  while (text.ends_with('/') && !text.starts_with("unix:")) {
    text.pop_back();
  }
  if (text.starts_with("localhost:")) {
    text.replace(0, 9, "127.0.0.1");
  }
  const auto parsed = Address::parse(text);
  if (!parsed) {
    return Failure{
        fmt::format("'{}' is not an admin address; write 127.0.0.1:9180, [::1]:9180 or unix:/PATH", address)};
  }
  return AdminClient(*parsed);
}

Result<AdminAnswer, std::string> AdminClient::request(std::string_view method, std::string_view target,
                                                      const std::vector<std::string>& headers) const {
  const auto failed = [this](const std::string& why) {
    return Failure{fmt::format("the admin listener at {}: {}", address_.text(), why)};
  };
  const Fd fd(::socket(address_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) {
    return failed(reason());
  }
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kAnswerPatience,
               sizeof kAnswerPatience);  // connect() too, socket(7)
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerPatience, sizeof kAnswerPatience);
  if (::connect(fd.get(), address_.get(), address_.size) != 0) {
    return failed(reason() + "; is gatewhy running, and is this its admin.address?");
  }
  const std::string host = address_.family() == AF_UNIX ? "localhost" : address_.text();
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nUser-Agent: gatewhy/{}\r\n",
                                 method, target, host, GATEWHY_VERSION);
  for (const std::string& header : headers) {
    text += header + "\r\n";
  }
  text += method == "GET" ? "\r\n" : "Content-Length: 0\r\n\r\n";
  if (!sendAll(fd.get(), text)) {
    return failed(reason());
  }
  AnswerReader reader(method == "HEAD");
  std::array<char, 65536> buffer{};
  while (true) {
    const ssize_t got = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return failed(reason());
    }
    if (got == 0 || !reader.take({buffer.data(), static_cast<std::size_t>(got)})) {
      break;
    }
  }
  if (!reader.whole()) {
    return failed("it did not send a complete HTTP response");
  }
  return std::move(reader.answer());
}

Result<nlohmann::ordered_json, std::string> AdminClient::get(std::string_view target) const {
  auto answer = request("GET", target);
  if (!answer) {
    return Failure{answer.error()};
  }
  auto json = nlohmann::ordered_json::parse(answer->body, nullptr, false);
  if (answer->status == 200 && !json.is_discarded()) {
    return json;
  }
  const bool told = json.is_object() && json.contains("detail") && json["detail"].is_string();
  return Failure{fmt::format("the admin listener at {} answers {} to {}{}", address_.text(), answer->status, target,
                             told ? ": " + json["detail"].get<std::string>() : std::string())};
}

Result<AdminClient, std::string> adminClient(const std::string& given, const std::string& config_file) {
  if (!given.empty()) {
    return AdminClient::create(given);
  }
  if (::access(config_file.c_str(), F_OK) != 0) {
    return AdminClient::create(kDefaultAdminAddress);
  }
  const LoadedConfig loaded = loadConfigText(config_file);
  if (loaded.config == nullptr) {
    return Failure{fmt::format("{} has errors (gatewhy check -c {}); name the admin listener with --admin", config_file,
                               config_file)};
  }
  const std::string& address = loaded.config->admin.address;
  if (address.empty()) {
    return Failure{fmt::format("{} has no admin listener", config_file)};
  }
  return AdminClient::create(address);
}

std::string queryEncoded(std::string_view value) {
  std::string out;
  for (const char c : value) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace gatewhy
