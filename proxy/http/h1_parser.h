// SPDX-License-Identifier: Apache-2.0
// Strict HTTP/1.x head and body parsing (RFC 9112), sans-IO: bytes in, values
// out, no socket. Refuse, never repair: whatever two parsers could read
// differently is an error with its byte offset. Results do not depend on how
// the bytes were split between calls, errors included.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "diagnostics/findings.h"
#include "diagnostics/observation.h"
#include "proxy/http/authority.h"
#include "proxy/http/head_reader.h"
#include "proxy/http/message.h"

namespace gatewhy {

// Parses one request head at a time.
class RequestParser final : public HeadReader {
 public:
  explicit RequestParser(const HeadLimits& limits) : HeadReader(limits, kEmptyLinesAllowed) {}

  // feed(): leading empty lines (CRLF) before a request line are skipped, at
  // most 4 (RFC 9112 section 2.2); offsets and limits begin after them. After
  // Done, head() is complete; after Error, fault() says what and where, and
  // head() holds what was understood so far (method and target where the
  // request line was good that far).
  void reset();  // for the next request on the connection; keeps capacity

  [[nodiscard]] RequestHead& head() { return head_; }
  [[nodiscard]] bool started() const { return !head_.bytes.empty(); }  // a byte of a head has come

 private:
  static constexpr int kEmptyLinesAllowed = 4;

  Head& base() override { return head_; }
  [[nodiscard]] const Head& base() const override { return head_; }
  std::optional<HeadFault> judgeStart(std::string_view line, std::size_t from) override;
  std::optional<HeadFault> parseStart(std::string_view line) override;
  std::optional<HeadFault> judgeHead() override;

  std::optional<HeadFault> splitTarget(std::string_view line);
  std::optional<HeadFault> splitAbsoluteForm();
  std::optional<HeadFault> takeTargetAuthority(std::size_t at, std::size_t size);
  std::optional<HeadFault> judgeHost();
  std::optional<HeadFault> checkAgainstTarget(const Field& field, const Authority& host) const;
  std::optional<HeadFault> judgeExpect();
  void readTe();

  RequestHead head_;
  bool method_ended_ = false;
  bool https_target_ = false;  // absolute form: its default port is 443
};

// Parses one response head at a time (interim ones too: the caller resets
// after a 1xx).
class ResponseParser final : public HeadReader {
 public:
  explicit ResponseParser(const HeadLimits& limits) : HeadReader(limits, 0) {}

  // What the request was decides the framing (RFC 9112 section 6.3): HEAD,
  // CONNECT. Call before feed(); stays until called again.
  void expect(Method request_method) { request_method_ = request_method; }
  // Final heads have the faults mended that tolerance.h lists, and head() says
  // which; stays until called again. Off at first.
  void mendFaults(bool mend) { mend_ = mend; }
  // feed(): the first bytes are judged at once; what cannot become "HTTP/1." is
  // an error without waiting for the line to end.
  void reset();

  [[nodiscard]] ResponseHead& head() { return head_; }
  [[nodiscard]] bool started() const { return !head_.bytes.empty(); }

 private:
  Head& base() override { return head_; }
  [[nodiscard]] const Head& base() const override { return head_; }
  std::optional<HeadFault> judgeStart(std::string_view line, std::size_t from) override;
  std::optional<HeadFault> parseStart(std::string_view line) override;
  std::optional<HeadFault> judgeHead() override;

  [[nodiscard]] FindingSet* mended() override { return mend_ && head_.status >= 200 ? &head_.mended : nullptr; }

  ResponseHead head_;
  Method request_method_ = Method::Get;
  bool mend_ = false;
};

struct BodyLimits {
  std::uint32_t chunk_line = 4096;     // size and extensions
  std::uint32_t trailers = 16 * 1024;  // whole trailer section
  // Blanks between a chunk size and its CR LF are taken for none, and noted
  // (strictness: report). Behind them nothing but the line's end can stand, and
  // the chunk is written anew.
  bool mend_sizes = false;
};

// Takes the framing off a message body.
class BodyDecoder {
 public:
  // Begin a new body.
  void start(BodyKind kind, std::uint64_t content_length, const BodyLimits& limits = {});

  struct Step {
    ParseStatus status = ParseStatus::NeedMore;  // Done: the message has ended (never for UntilClose before finish())
    std::size_t consumed = 0;
    std::string_view data;  // payload inside the bytes given; may be empty
  };
  // Takes at most one run of payload; call again while status is NeedMore and
  // bytes are left. Bytes after the end of the message are not consumed.
  Step feed(std::string_view bytes);

  // Length only, else 0: octets of payload that are still to come.
  [[nodiscard]] std::uint64_t ahead() const;
  // So many of them (at most ahead()) went past the decoder.
  void skip(std::uint64_t size);

  // The peer has closed. True if that ends the message properly (UntilClose,
  // or already done).
  bool finish();

  [[nodiscard]] bool done() const { return state_ == State::Done; }
  [[nodiscard]] BodyKind kind() const { return kind_; }
  [[nodiscard]] std::uint64_t received() const { return received_; }  // payload octets
  [[nodiscard]] std::optional<std::uint64_t> expected() const;        // Length only
  [[nodiscard]] const ParseFault& fault() const { return fault_; }
  // As people may see it: without the values of credentials.
  [[nodiscard]] ParseFault fault(const Redaction& redact) const;
  // What was mended since the last call.
  [[nodiscard]] FindingSet takeMended() { return std::exchange(mended_, FindingSet()); }
  // Trailer fields as received, "Name: value\r\n" each, validated; without
  // fields that may not be trailers (framing, routing: RFC 9110 section 6.5.1).
  [[nodiscard]] const std::string& trailers() const { return trailers_; }

 private:
  // One state per place in the grammar of RFC 9112 section 7.1.
  enum class State : std::uint8_t {
    Payload,  // Length and UntilClose
    SizeFirst,
    Size,
    SizeBlank,
    ExtensionNameFirst,
    ExtensionName,
    ExtensionNameBlank,
    ExtensionValueFirst,
    ExtensionToken,
    ExtensionQuoted,
    ExtensionEscape,
    ExtensionEnd,
    ExtensionEndBlank,
    ChunkLineLf,
    ChunkData,
    ChunkDataCr,
    ChunkDataLf,
    Trailers,
    Done,
    Failed,
  };

  Step takePayload(std::string_view bytes);
  void takeLineOctet(char octet);
  void takeSize(char octet);
  void takeExtension(char octet);
  void endExtensionPart(char octet, State blank);
  void takeChunkEnd(char octet);
  void endChunkLine();
  void takeTrailer(char octet);
  void endTrailerLine();
  void fail(ParseError error);

  BodyKind kind_ = BodyKind::None;
  State state_ = State::Done;
  BodyLimits limits_;
  std::uint64_t remaining_ = 0;  // payload octets of the body or of the chunk
  std::uint64_t received_ = 0;
  std::uint64_t content_length_ = 0;
  std::uint64_t offset_ = 0;         // wire octets taken so far: of the octet at hand while it is judged
  std::uint64_t chunk_line_ = 0;     // octets of the chunk line so far
  bool extended_ = false;            // the chunk line has an extension
  std::uint64_t trailers_size_ = 0;  // octets of the trailer section so far
  std::string line_;                 // unfinished trailer line
  std::string trailers_;
  FindingSet mended_;
  ParseFault fault_;
};

}  // namespace gatewhy
