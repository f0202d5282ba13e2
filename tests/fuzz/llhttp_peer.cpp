// SPDX-License-Identifier: Apache-2.0
#include <llhttp.h>

#include "peer.h"

namespace gatewhy::fuzz {
namespace {

struct Recorder {
  Reading reading;
  std::string name, value;
  bool in_value = false;
  bool bodiless = false;
};

Recorder& recorderOf(llhttp_t* parser) {
  return *static_cast<Recorder*>(parser->data);
}

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == std::string::npos ? std::string() : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

void endField(Recorder& recorder) {
  if (!recorder.name.empty() && !recorder.reading.head_accepted) {
    recorder.reading.fields.emplace_back(recorder.name, trimmed(recorder.value));
  }
  recorder.name.clear();
  recorder.value.clear();
  recorder.in_value = false;
}

int onUrl(llhttp_t* parser, const char* at, size_t size) {
  recorderOf(parser).reading.target.append(at, size);
  return 0;
}

int onFieldName(llhttp_t* parser, const char* at, size_t size) {
  Recorder& recorder = recorderOf(parser);
  if (recorder.in_value) {
    endField(recorder);
  }
  recorder.name.append(at, size);
  return 0;
}

int onFieldValue(llhttp_t* parser, const char* at, size_t size) {
  Recorder& recorder = recorderOf(parser);
  recorder.in_value = true;
  recorder.value.append(at, size);
  return 0;
}

int onHeadersComplete(llhttp_t* parser) {
  Recorder& recorder = recorderOf(parser);
  endField(recorder);
  Reading& reading = recorder.reading;
  reading.head_accepted = true;
  reading.chunked = (parser->flags & F_CHUNKED) != 0;
  reading.status = parser->status_code;
  if (parser->type == HTTP_REQUEST) {
    reading.method = llhttp_method_name(static_cast<llhttp_method_t>(parser->method));
    return 0;
  }
  // It leaves to its user which answers have no body (RFC 9112 section 6.3).
  const bool none =
      recorder.bodiless || parser->status_code < 200 || parser->status_code == 204 || parser->status_code == 304;
  return none ? 1 : 0;
}

int onBody(llhttp_t* parser, const char* at, size_t size) {
  recorderOf(parser).reading.payload.append(at, size);
  return 0;
}

int onMessageComplete(llhttp_t* parser) {
  recorderOf(parser).reading.complete = true;
  return HPE_PAUSED;
}

}  // namespace

Reading readWithLlhttp(MessageType type, std::string_view bytes, bool bodiless) {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_url = onUrl;
  settings.on_header_field = onFieldName;
  settings.on_header_value = onFieldValue;
  settings.on_headers_complete = onHeadersComplete;
  settings.on_body = onBody;
  settings.on_message_complete = onMessageComplete;

  llhttp_t parser;
  llhttp_init(&parser, type == MessageType::Request ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
  Recorder recorder;
  recorder.bodiless = bodiless;
  parser.data = &recorder;

  llhttp_errno_t error = llhttp_execute(&parser, bytes.data(), bytes.size());
  Reading& reading = recorder.reading;
  reading.tunnel = parser.upgrade != 0;
  if (error == HPE_OK && !reading.complete && llhttp_message_needs_eof(&parser) != 0) {
    error = llhttp_finish(&parser);
    reading.end = bytes.size();
  } else if (reading.complete) {
    const char* end = llhttp_get_error_pos(&parser);
    reading.end = end == nullptr ? bytes.size() : static_cast<std::size_t>(end - bytes.data());
  }
  reading.refused = error != HPE_OK && error != HPE_PAUSED && error != HPE_PAUSED_UPGRADE;
  return reading;
}

}  // namespace gatewhy::fuzz
