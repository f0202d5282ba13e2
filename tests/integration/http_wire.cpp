// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/http_wire.h"

#include <strings.h>

#include <algorithm>
#include <charconv>

namespace gatewhy::test {
namespace {

constexpr std::string_view kCrlf = "\r\n";

bool sameName(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// Takes the first line off the socket's buffer, waiting for it.
std::optional<std::string> takeLine(Socket& socket) {
  if (!socket.receiveUntil(kCrlf)) {
    return std::nullopt;
  }
  const std::size_t end = socket.buffer().find(kCrlf);
  std::string line = socket.buffer().substr(0, end);
  socket.buffer().erase(0, end + kCrlf.size());
  return line;
}

bool isClean(std::string_view line) {
  return std::none_of(line.begin(), line.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return (octet < 0x20 && octet != '\t') || octet == 0x7f;
  });
}

// False: no such line has come, or it is no field.
bool takeField(const std::string& line, std::vector<std::pair<std::string, std::string>>& fields, std::string& fault) {
  const std::size_t colon = line.find(':');
  if (colon == std::string::npos || colon == 0 || line.find_first_of(" \t") < colon || !isClean(line)) {
    fault = "field line: " + line;
    return false;
  }
  const std::size_t value = line.find_first_not_of(" \t", colon + 1);
  fields.emplace_back(line.substr(0, colon), value == std::string::npos ? "" : line.substr(value));
  return true;
}

bool takeFields(Socket& socket, std::vector<std::pair<std::string, std::string>>& fields, std::string& fault) {
  while (const auto line = takeLine(socket)) {
    if (line->empty()) {
      return true;
    }
    if (!takeField(*line, fields, fault)) {
      return false;
    }
  }
  return false;
}

bool takeBytes(Socket& socket, std::size_t size, std::string& body) {
  while (size > 0) {
    if (socket.buffer().empty() && !socket.receive()) {
      return false;
    }
    const std::size_t part = std::min(size, socket.buffer().size());
    body.append(socket.buffer(), 0, part);
    socket.buffer().erase(0, part);
    size -= part;
  }
  return true;
}

std::optional<std::size_t> number(const std::string& text, int base) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(value)
                                                                                   : std::nullopt;
}

void readChunks(Socket& socket, WireMessage& message) {
  while (const auto line = takeLine(socket)) {
    const auto size = number(*line, 16);
    if (!size) {
      message.fault = "chunk size: " + *line;
      return;
    }
    if (*size == 0) {
      message.complete = takeFields(socket, message.trailers, message.fault);
      return;
    }
    std::string end;
    if (!takeBytes(socket, *size, message.body) || !takeBytes(socket, kCrlf.size(), end)) {
      return;
    }
    if (end != kCrlf) {
      message.fault = "chunk end";
      return;
    }
  }
}

// False: the body has no framing of its own.
bool readFramedBody(Socket& socket, WireMessage& message) {
  const std::size_t lengths = message.count("Content-Length");
  const std::size_t codings = message.count("Transfer-Encoding");
  if (lengths + codings > 1) {
    message.fault = "framed twice";
    return true;
  }
  if (codings == 1) {
    if (message.field("Transfer-Encoding") != "chunked") {
      message.fault = "Transfer-Encoding: " + message.field("Transfer-Encoding");
      return true;
    }
    readChunks(socket, message);
    return true;
  }
  if (lengths == 1) {
    const auto size = number(message.field("Content-Length"), 10);
    if (!size) {
      message.fault = "Content-Length: " + message.field("Content-Length");
      return true;
    }
    message.complete = takeBytes(socket, *size, message.body);
    return true;
  }
  return false;
}

}  // namespace

unsigned WireMessage::status() const {
  if (start_line.rfind("HTTP/1.1 ", 0) != 0) {
    return 0;
  }
  return static_cast<unsigned>(number(start_line.substr(9, 3), 10).value_or(0));
}

std::string WireMessage::target() const {
  const std::size_t first = start_line.find(' ');
  const std::size_t last = start_line.rfind(' ');
  return first == std::string::npos || last <= first ? "" : start_line.substr(first + 1, last - first - 1);
}

std::size_t WireMessage::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields.begin(), fields.end(), [&](const auto& row) { return sameName(row.first, name); }));
}

std::string WireMessage::field(std::string_view name) const {
  std::string joined;
  for (const auto& [field_name, value] : fields) {
    if (sameName(field_name, name)) {
      joined += (joined.empty() ? "" : ", ") + value;
    }
  }
  return joined;
}

std::optional<WireMessage> readHead(Socket& socket) {
  if (socket.buffer().empty() && !socket.receive()) {
    return std::nullopt;
  }
  WireMessage message;
  const auto line = takeLine(socket);
  if (!line) {
    message.fault = "no whole head";
    return message;
  }
  message.start_line = *line;
  if (!takeFields(socket, message.fields, message.fault) && message.fault.empty()) {
    message.fault = "no whole head";
  }
  return message;
}

void readRequestBody(Socket& socket, WireMessage& message) {
  if (message.fault.empty() && !readFramedBody(socket, message)) {
    message.complete = true;
  }
}

std::optional<WireMessage> readRequest(Socket& socket) {
  auto message = readHead(socket);
  if (!message || !message->fault.empty()) {
    return message;
  }
  const std::string& line = message->start_line;
  if (std::count(line.begin(), line.end(), ' ') != 2 || !isClean(line) || !line.ends_with(" HTTP/1.1")) {
    message->fault = "request line: " + line;
  } else if (message->count("Host") != 1) {
    message->fault = "not one Host";
  }
  if (message->count("Expect") != 0) {
    socket.send("HTTP/1.1 100 Continue\r\n\r\n");
  }
  readRequestBody(socket, *message);
  return message;
}

std::optional<WireMessage> readResponse(Socket& socket, bool to_head) {
  auto message = readHead(socket);
  if (!message || !message->fault.empty()) {
    return message;
  }
  const unsigned status = message->status();
  if (to_head || status < 200 || status == 204 || status == 304) {
    message->complete = true;
  } else if (!readFramedBody(socket, *message)) {
    socket.receiveToEnd();
    message->body += socket.buffer();
    socket.buffer().clear();
    message->complete = socket.end() == Socket::End::Fin;
  }
  return message;
}

std::string okResponse(std::string_view body, std::string_view more_fields) {
  std::string response = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  response.append(more_fields).append("\r\n").append(body);
  return response;
}

}  // namespace gatewhy::test
