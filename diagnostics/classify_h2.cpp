// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/classify_rules.h"

namespace gatewhy {
namespace {

// RFC 9113 section 7; only the codes that mean something to a rule.
constexpr std::uint32_t kNoError = 0x0;
constexpr std::uint32_t kRefusedStream = 0x7;
constexpr std::uint32_t kEnhanceYourCalm = 0xb;
constexpr std::uint32_t kHttp11Required = 0xd;

// A client that takes back a request has lost interest, whatever code it gives.
Cause causeOfClientStream(const StreamFault& fault, const Observation& seen) noexcept {
  const ByteFacts& bytes = seen.bytes;
  switch (fault.how) {
    case StreamFault::How::Reset:
    case StreamFault::How::GoAway: {
      if (breaksTunnel(seen)) {
        return Cause::TunnelResetByClient;
      }
      const bool in_body = !bytes.last_line.empty() && !bytes.request_complete;
      return in_body ? Cause::ClientAbortedUpload : Cause::ClientClosedRequest;
    }
    case StreamFault::How::Protocol:
    case StreamFault::How::Flood:
    case StreamFault::How::NoSettings:
    case StreamFault::How::PingTimeout:
      return Cause::ClientH2Error;
    case StreamFault::How::Stalled:
      return Cause::ClientWriteTimeout;
    case StreamFault::How::NoRoom:
    case StreamFault::How::Misdirected:
      break;  // only of an origin
  }
  return Cause::ProxyInternalError;
}

// After the head of its answer an origin cannot say any more that it did
// nothing or wants HTTP/1.1: such a code is a reset like another.
Cause causeOfReset(std::uint32_t code, bool answered) noexcept {
  if (answered) {
    return Cause::H2StreamReset;
  }
  switch (code) {
    case kRefusedStream:
    case kEnhanceYourCalm:
      return Cause::H2RefusedStream;
    case kHttp11Required:
      return Cause::H2Http11Required;
    default:
      return Cause::H2StreamReset;
  }
}

// GOAWAY without an error lets the streams up to its last one end. An origin
// that names such a stream and breaks off all the same has only closed early.
Cause causeOfBrokenPromise(const Observation& seen) noexcept {
  if (seen.phase == Phase::ResponseBody) {
    return Cause::ResponseBodyTruncated;
  }
  return seen.bytes.response_received > 0 ? Cause::ResponseHeadIncomplete : Cause::EmptyResponse;
}

Cause causeOfGoAway(const StreamFault& fault, const Observation& seen) noexcept {
  const bool answered = seen.phase == Phase::ResponseBody;
  if (fault.code == kHttp11Required && !answered) {
    return Cause::H2Http11Required;
  }
  if (fault.code != kNoError) {
    return Cause::H2GoawayError;
  }
  if (!aboveGoAway(fault, seen.connection)) {
    return causeOfBrokenPromise(seen);
  }
  // It answers a request and says that it never looked at it.
  return answered ? Cause::H2ProtocolError : Cause::H2GoawayClean;
}

// A block of fields after the head that does not end the stream, or that
// cannot be one of trailers.
bool isTrailers(const StreamFault& fault, Phase phase) noexcept {
  return phase == Phase::ResponseBody && fault.stream != 0 &&
         (fault.frame == "HEADERS" || fault.frame == "CONTINUATION");
}

}  // namespace

bool breaksTunnel(const Observation& seen) noexcept {
  return seen.bytes.stream && seen.interrupted && seen.interrupted->phase == Phase::Upgrade;
}

bool aboveGoAway(const StreamFault& fault, const ConnectionFacts& connection) noexcept {
  return fault.how == StreamFault::How::GoAway && (connection.stream == 0 || connection.stream > fault.last_stream);
}

bool asksForCalm(const StreamFault& fault) noexcept {
  return fault.how == StreamFault::How::Reset && fault.code == kEnhanceYourCalm;
}

bool pingWasRead(const Observation& seen) noexcept {
  const auto* fault = std::get_if<StreamFault>(&seen.fault);
  return fault != nullptr && fault->how == StreamFault::How::PingTimeout && seen.tcp && seen.tcp->unacked == 0 &&
         seen.tcp->notsent_bytes == 0;
}

Cause causeOfStream(const StreamFault& fault, const Observation& seen) noexcept {
  switch (seen.phase) {
    case Phase::ClientRequest:
      return causeOfClientStream(fault, seen);
    case Phase::Upgrade:
      return Cause::TunnelResetByOrigin;
    case Phase::RequestWrite:
    case Phase::ResponseHead:
    case Phase::ResponseBody:
      break;
    case Phase::Routing:
    case Phase::Dns:
    case Phase::Connect:
    case Phase::TlsHandshake:
    case Phase::Internal:
      return Cause::ProxyInternalError;  // no HTTP/2 is spoken there
  }
  switch (fault.how) {
    case StreamFault::How::Reset:
      return causeOfReset(fault.code, seen.phase == Phase::ResponseBody);
    case StreamFault::How::GoAway:
      return causeOfGoAway(fault, seen);
    case StreamFault::How::Protocol:
      return isTrailers(fault, seen.phase) ? Cause::H2TrailersMalformed : Cause::H2ProtocolError;
    case StreamFault::How::Flood:
    case StreamFault::How::NoSettings:
      return Cause::H2ProtocolError;
    case StreamFault::How::Stalled:
      return Cause::H2FlowControlStalled;
    case StreamFault::How::PingTimeout:
      return Cause::OriginKeepaliveFailed;
    case StreamFault::How::NoRoom:
      return Cause::H2RefusedStream;
    case StreamFault::How::Misdirected:
      return Cause::H2Http11Required;
  }
  return Cause::ProxyInternalError;
}

Cause causeOfH2Message(const ParseFault& fault) noexcept {
  if (fault.error == ParseError::BodyLengthDiffers) {
    return fault.size > fault.limit ? Cause::ResponseFramingInvalid : Cause::ResponseBodyTruncated;
  }
  return fault.error == ParseError::TrailerInvalid ? Cause::H2TrailersMalformed : causeInResponse(fault.error);
}

}  // namespace gatewhy
