// SPDX-License-Identifier: Apache-2.0
// Bodies so large that the kernel moves them from socket to socket: not a byte
// may differ, wait too long, or be counted wrongly. How such a transfer ends
// early is in lifetime_test.
#include <dirent.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <future>
#include <string>

#include "tests/integration/gateway.h"
#include "tests/integration/http_wire.h"

namespace gatewhy::test {
namespace {

using nlohmann::json;

constexpr std::size_t kBody = 50UL * 1024 * 1024;
constexpr std::size_t kPiece = 1000003;  // no multiple of a page or a pipe

// Every run of eight bytes tells where in the body it belongs.
class Pattern {
 public:
  std::string next(std::size_t size) {
    std::string made(size, '\0');
    for (char& octet : made) {
      octet = octetAt(at_++);
    }
    return made;
  }
  // The first offset that is wrong; npos.
  std::size_t check(std::string_view bytes) {
    for (const char octet : bytes) {
      if (octet != octetAt(at_)) {
        return at_;
      }
      ++at_;
    }
    return std::string::npos;
  }
  [[nodiscard]] std::size_t at() const { return at_; }

 private:
  static char octetAt(std::size_t at) {
    std::uint64_t word = (at / 8 + 1) * 0x9e3779b97f4a7c15ULL;
    word ^= word >> 29U;
    return static_cast<char>(word >> (at % 8 * 8));
  }
  std::size_t at_ = 0;
};

void serveBody(Socket& connection, std::size_t size) {
  connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
  Pattern pattern;
  while (pattern.at() < size && connection.send(pattern.next(std::min(kPiece, size - pattern.at())))) {
  }
}

// Reads a message whose body has that size off the socket, checking every octet.
void expectMessage(Socket& socket, std::string_view begins, std::size_t size) {
  ASSERT_TRUE(socket.receiveUntil("\r\n\r\n"));
  std::string& buffer = socket.buffer();
  EXPECT_EQ(buffer.rfind(begins, 0), 0U) << buffer.substr(0, 100);
  buffer.erase(0, buffer.find("\r\n\r\n") + 4);
  Pattern pattern;
  while (true) {
    ASSERT_LE(pattern.at() + buffer.size(), size) << "more than the body";
    ASSERT_EQ(pattern.check(buffer), std::string::npos);
    buffer.clear();
    if (pattern.at() == size) {
      return;
    }
    ASSERT_TRUE(socket.receive()) << "ended after " << pattern.at();
  }
}

void expectBody(Socket& client, std::size_t size) {
  expectMessage(client, "HTTP/1.1 200 ", size);
}

std::string uploadHead(std::size_t size) {
  return "PUT /big HTTP/1.1\r\nHost: shop.example\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
}

void sendPattern(Socket& socket, std::size_t size) {
  Pattern pattern;
  while (pattern.at() < size) {
    ASSERT_TRUE(socket.send(pattern.next(std::min(kPiece, size - pattern.at()))));
  }
}

std::size_t pipesOf(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/fd";
  std::size_t count = 0;
  DIR* listing = ::opendir(folder.c_str());
  while (const dirent* entry = listing == nullptr ? nullptr : ::readdir(listing)) {
    std::array<char, 64> target{};
    const ssize_t size = ::readlink((folder + "/" + entry->d_name).c_str(), target.data(), target.size());
    count += size > 0 && std::string_view(target.data(), static_cast<std::size_t>(size)).starts_with("pipe:") ? 1 : 0;
  }
  if (listing != nullptr) {
    ::closedir(listing);
  }
  return count;
}

constexpr std::string_view kRequest = "GET /big HTTP/1.1\r\nHost: shop.example\r\n\r\n";

TEST(BigBody, EveryByteArrivesAndTheConnectionsServeOn) {
  std::atomic<int> connections = 0;
  OriginServer origin([&](Socket& connection) {
    ++connections;
    while (readRequest(connection)) {
      serveBody(connection, kBody);
    }
  });
  const auto gateway = Gateway::start({.origin_url = origin.url()});
  ASSERT_NE(gateway, nullptr);
  const std::size_t pipes_before = pipesOf(gateway->daemon().pid());
  Socket client = Socket::connectTo(gateway->address());
  for (int round = 0; round < 2; ++round) {
    client.send(kRequest);
    ASSERT_NO_FATAL_FAILURE(expectBody(client, kBody));
  }
  EXPECT_EQ(connections, 1) << "nothing was left over on the origin's connection";
  // Both ends of the one that was used: the body was not copied.
  EXPECT_EQ(pipesOf(gateway->daemon().pid()), pipes_before + 2);
  gateway->expectCleanStop();
  for (const json& event : gateway->exchanges()) {
    EXPECT_EQ(event.value("/http/response/body/size"_json_pointer, 0U), kBody) << event.dump();
    EXPECT_EQ(event.value("outcome", ""), "success") << event.dump();
  }
}

TEST(BigBody, ABrokenOneCountsWhatCame) {
  constexpr std::size_t kCame = 20UL * 1024 * 1024 + 17;
  OriginServer origin([&](Socket& connection) {
    if (readRequest(connection)) {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kBody) + "\r\n\r\n");
      connection.send(Pattern().next(kCame));
    }
  });
  const auto gateway = Gateway::start({.origin_url = origin.url()});
  ASSERT_NE(gateway, nullptr);
  Socket client = Socket::connectTo(gateway->address());
  client.send(kRequest);
  client.receiveToEnd();
  std::string& got = client.buffer();
  got.erase(0, got.find("\r\n\r\n") + 4);
  EXPECT_EQ(got.size(), kCame) << "what had come before the end is passed on";
  EXPECT_EQ(Pattern().check(got), std::string::npos);
  const auto event = gateway->exchangeOf(client.localPort());
  ASSERT_TRUE(event);
  EXPECT_EQ(causeOf(*event), "response_body_truncated");
  EXPECT_EQ(event->value("/diagnosis/evidence/bytes_received"_json_pointer, 0U), kCame) << event->dump();
  EXPECT_EQ(event->value("/diagnosis/evidence/bytes_expected"_json_pointer, 0U), kBody) << event->dump();
  gateway->expectCleanStop();
}

TEST(BigBody, AClientThatReadsLateHoldsTheOriginBackAndLosesNothing) {
  std::promise<std::size_t> stuck;  // how much of the body was gone by then
  OriginServer origin([&](Socket& connection) {
    if (!readRequest(connection)) {
      return;
    }
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kBody) + "\r\n\r\n");
    const std::size_t sent = connection.sendUntilFull(kBody);  // of 'x'
    stuck.set_value(sent);
    connection.send(Pattern().next(kBody - sent));
  });
  const auto gateway = Gateway::start({.origin_url = origin.url()});
  ASSERT_NE(gateway, nullptr);
  Socket client = Socket::connectTo(gateway->address());
  client.send(kRequest);
  const std::size_t before = stuck.get_future().get();
  ASSERT_LT(before, kBody) << "the gateway took it all";
  ASSERT_TRUE(client.receiveUntil("\r\n\r\n"));
  const std::size_t head = client.buffer().find("\r\n\r\n") + 4;
  while (client.buffer().size() < head + kBody) {
    ASSERT_TRUE(client.receive());
  }
  const std::string_view body = std::string_view(client.buffer()).substr(head);
  EXPECT_EQ(body.size(), kBody);
  EXPECT_EQ(body.substr(0, before).find_first_not_of('x'), std::string::npos);
  EXPECT_EQ(Pattern().check(body.substr(before)), std::string::npos);
  gateway->expectCleanStop();
}

// ---- uploads ----------------------------------------------------------------

TEST(BigUpload, EveryByteArrivesAndTheConnectionsServeOn) {
  std::atomic<int> connections = 0;
  OriginServer origin([&](Socket& connection) {
    ++connections;
    for (int round = 0; round < 2; ++round) {
      expectMessage(connection, "PUT /big ", kBody);
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
    EXPECT_FALSE(connection.receive()) << "more than two requests";
  });
  const auto gateway = Gateway::start({.origin_url = origin.url()});
  ASSERT_NE(gateway, nullptr);
  const std::size_t pipes_before = pipesOf(gateway->daemon().pid());
  Socket client = Socket::connectTo(gateway->address());
  for (int round = 0; round < 2; ++round) {
    client.send(uploadHead(kBody));
    ASSERT_NO_FATAL_FAILURE(sendPattern(client, kBody));
    ASSERT_NO_FATAL_FAILURE(expectBody(client, 0));
  }
  EXPECT_EQ(connections, 1);
  EXPECT_EQ(pipesOf(gateway->daemon().pid()), pipes_before + 2) << "it was copied";
  gateway->expectCleanStop();
  for (const json& event : gateway->exchanges()) {
    EXPECT_EQ(event.value("/http/request/body/size"_json_pointer, 0U), kBody) << event.dump();
    EXPECT_EQ(event.value("outcome", ""), "success") << event.dump();
  }
}

TEST(BigUpload, ABrokenOneCountsWhatCame) {
  constexpr std::size_t kCame = 20UL * 1024 * 1024 + 17;
  OriginServer origin([](Socket& connection) { connection.receiveToEnd(); });
  const auto gateway = Gateway::start({.origin_url = origin.url()});
  ASSERT_NE(gateway, nullptr);
  Socket client = Socket::connectTo(gateway->address());
  client.send(uploadHead(kBody));
  ASSERT_NO_FATAL_FAILURE(sendPattern(client, kCame));
  client.finish();
  const auto event = gateway->exchangeOf(client.localPort());
  ASSERT_TRUE(event);
  EXPECT_EQ(causeOf(*event), "client_length_mismatch");
  EXPECT_EQ(event->value("/diagnosis/evidence/bytes_received"_json_pointer, 0U), kCame) << event->dump();
  EXPECT_EQ(event->value("/diagnosis/evidence/bytes_expected"_json_pointer, 0U), kBody) << event->dump();
  gateway->expectCleanStop();
}

TEST(BigUpload, AnOriginThatReadsLateHoldsTheClientBackAndLosesNothing) {
  std::promise<std::size_t> stuck;  // how much of the body was gone by then
  OriginServer origin([&](Socket& connection) {
    const std::size_t before = stuck.get_future().get();
    ASSERT_TRUE(connection.receiveUntil("\r\n\r\n"));
    const std::size_t head = connection.buffer().find("\r\n\r\n") + 4;
    while (connection.buffer().size() < head + kBody) {
      ASSERT_TRUE(connection.receive());
    }
    const std::string_view body = std::string_view(connection.buffer()).substr(head);
    EXPECT_EQ(body.size(), kBody);
    EXPECT_EQ(body.substr(0, before).find_first_not_of('x'), std::string::npos);
    EXPECT_EQ(Pattern().check(body.substr(before)), std::string::npos);
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  const auto gateway = Gateway::start({.origin_url = origin.url()});
  ASSERT_NE(gateway, nullptr);
  Socket client = Socket::connectTo(gateway->address());
  client.send(uploadHead(kBody));
  const std::size_t sent = client.sendUntilFull(kBody);  // of 'x'
  stuck.set_value(sent);
  ASSERT_LT(sent, kBody) << "the gateway took it all";
  ASSERT_NO_FATAL_FAILURE(sendPattern(client, kBody - sent));
  ASSERT_NO_FATAL_FAILURE(expectBody(client, 0));
  gateway->expectCleanStop();
}

}  // namespace
}  // namespace gatewhy::test
