// SPDX-License-Identifier: Apache-2.0
// nghttp2's callbacks for an H2Session: they only translate.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>

namespace gatewhy {

class H2Session;

class H2Callbacks {
 public:
  // A new session of nghttp2 that calls `owner`, which outlives it. Null where
  // memory is short.
  [[nodiscard]] static nghttp2_session* open(H2Session& owner, bool server);
  // The body of a message of ours comes from `owner`.
  [[nodiscard]] static nghttp2_data_provider body();

 private:
  static H2Session& owner(void* user) { return *static_cast<H2Session*>(user); }
  [[nodiscard]] static nghttp2_session_callbacks* makeTable();
  [[nodiscard]] static nghttp2_option* makeOptions();

  static int onBeginHeaders(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static int onHeader(nghttp2_session* session, const nghttp2_frame* frame, nghttp2_rcbuf* name, nghttp2_rcbuf* value,
                      std::uint8_t flags, void* user);
  static int onFrame(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static int onInvalidFrame(nghttp2_session* session, const nghttp2_frame* frame, int error, void* user);
  static int onData(nghttp2_session* session, std::uint8_t flags, std::int32_t stream, const std::uint8_t* data,
                    std::size_t size, void* user);
  static int onSent(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static int onNotSent(nghttp2_session* session, const nghttp2_frame* frame, int error, void* user);
  static ssize_t readBody(nghttp2_session* session, std::int32_t stream, std::uint8_t* buffer, std::size_t most,
                          std::uint32_t* flags, nghttp2_data_source* source, void* user);
  static int sendBody(nghttp2_session* session, nghttp2_frame* frame, const std::uint8_t* frame_head, std::size_t size,
                      nghttp2_data_source* source, void* user);
};

}  // namespace gatewhy
