// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/grpc_status.h"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "diagnostics/diagnosis.h"

namespace gatewhy {
namespace {

constexpr bool Failure = true, Answer = false;
constexpr std::array<GrpcStatusInfo, kGrpcStatusCount> kGrpcTable{{
#define GRPC_STATUS(enumerator, number, name, says, meaning) {GrpcStatus::enumerator, name, says, meaning},
#include "diagnostics/grpc_statuses.def"
#undef GRPC_STATUS
}};

constexpr bool numbersHaveNoGap() {
  for (std::size_t i = 0; i < kGrpcTable.size(); ++i) {
    if (static_cast<std::size_t>(kGrpcTable[i].status) != i) {
      return false;
    }
  }
  return true;
}
static_assert(numbersHaveNoGap());

// What HTTP_STATUS stands for when we say it of a request.
GrpcStatus ofRefusal(std::uint16_t standard_status) {
  switch (standard_status) {
    case 401:
      return GrpcStatus::Unauthenticated;
    case 403:
      return GrpcStatus::PermissionDenied;
    case 404:
    case 405:
    case 501:
      return GrpcStatus::Unimplemented;
    case 408:
      return GrpcStatus::DeadlineExceeded;
    case 413:
    case 429:
    case 431:
      return GrpcStatus::ResourceExhausted;
    default:
      return GrpcStatus::Internal;
  }
}

// gRPC over HTTP/2, "Errors".
GrpcStatus ofReset(std::uint32_t code) {
  constexpr std::uint32_t kRefused = 7, kCancelled = 8, kCalm = 11, kInsecure = 12;
  switch (code) {
    case kRefused:
      return GrpcStatus::Unavailable;
    case kCancelled:
      return GrpcStatus::Cancelled;
    case kCalm:
      return GrpcStatus::ResourceExhausted;
    case kInsecure:
      return GrpcStatus::PermissionDenied;
    default:
      return GrpcStatus::Internal;
  }
}

GrpcStatus ofProxyError(ProxyError error, std::uint16_t standard_status, std::uint16_t sent_status) {
  switch (error) {
    case ProxyError::None:
    case ProxyError::DnsTimeout:
    case ProxyError::DnsError:
    case ProxyError::DestinationUnavailable:
    case ProxyError::DestinationIpProhibited:
    case ProxyError::DestinationIpUnroutable:
    case ProxyError::ConnectionRefused:
    case ProxyError::ConnectionTerminated:
    case ProxyError::ConnectionTimeout:
    case ProxyError::ConnectionWriteTimeout:
    case ProxyError::ConnectionLimitReached:
    case ProxyError::TlsProtocolError:
    case ProxyError::TlsCertificateError:
    case ProxyError::TlsAlertReceived:
    case ProxyError::HttpResponseIncomplete:
    case ProxyError::ProxyInternalResponse:
      return GrpcStatus::Unavailable;
    case ProxyError::ConnectionReadTimeout:
    case ProxyError::HttpResponseTimeout:
      return GrpcStatus::DeadlineExceeded;
    case ProxyError::DestinationNotFound:
    case ProxyError::HttpRequestError:
    case ProxyError::HttpRequestDenied:
      return ofRefusal(standard_status);
    case ProxyError::ProxyInternalError:
      return grpcStatusOfHttp(sent_status) == GrpcStatus::Unavailable ? GrpcStatus::Unavailable : GrpcStatus::Internal;
    case ProxyError::HttpResponseHeaderSectionSize:
    case ProxyError::HttpResponseHeaderSize:
    case ProxyError::HttpResponseBodySize:
    case ProxyError::HttpResponseTrailerSectionSize:
    case ProxyError::HttpResponseTrailerSize:
    case ProxyError::HttpResponseTransferCoding:
    case ProxyError::HttpResponseContentCoding:
    case ProxyError::HttpUpgradeFailed:
    case ProxyError::HttpProtocolError:
    case ProxyError::ProxyConfigurationError:
    case ProxyError::ProxyLoopDetected:
      return GrpcStatus::Internal;
  }
  return GrpcStatus::Internal;
}

int hexDigit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

std::span<const GrpcStatusInfo> allGrpcStatuses() noexcept {
  return kGrpcTable;
}

const GrpcStatusInfo& info(GrpcStatus status) noexcept {
  return kGrpcTable[static_cast<std::size_t>(status)];
}

std::string_view grpcStatusName(std::uint32_t code) noexcept {
  return code < kGrpcTable.size() ? kGrpcTable[code].name : std::string_view();
}

bool isGrpcFailure(std::uint32_t code) noexcept {
  return code >= kGrpcTable.size() || kGrpcTable[code].failure;
}

GrpcStatus grpcStatusOfHttp(std::uint16_t status) noexcept {
  switch (status) {
    case 400:
      return GrpcStatus::Internal;
    case 401:
      return GrpcStatus::Unauthenticated;
    case 403:
      return GrpcStatus::PermissionDenied;
    case 404:
      return GrpcStatus::Unimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return GrpcStatus::Unavailable;
    default:
      return GrpcStatus::Unknown;
  }
}

GrpcStatus grpcStatusOf(const Diagnosis& diagnosis) noexcept {
  const auto* stream = std::get_if<StreamFault>(&diagnosis.observation.fault);
  if (stream != nullptr && stream->how == StreamFault::How::Reset) {
    return ofReset(stream->code);
  }
  return ofProxyError(diagnosis.proxy_error, diagnosis.standard_status, info(diagnosis.cause).sent_status);
}

bool isToldAs(const CauseInfo& cause, GrpcStatus status) noexcept {
  const bool told = cause.sent_status != 0 || cause.cause == Cause::TunnelIdleTimeout;
  return told && ofProxyError(cause.proxy_error, cause.standard_status, cause.sent_status) == status;
}

std::string encodeGrpcMessage(std::string_view text, std::size_t limit) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::size_t kEncoded = 3;
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    const bool plain = octet >= 0x20 && octet <= 0x7E && c != '%';
    if (out.size() + (plain ? 1 : kEncoded) > limit) {
      break;
    }
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[octet >> 4];
      out += kHex[octet & 0xF];
    }
  }
  return out;
}

std::string decodeGrpcMessage(std::string_view value, std::size_t limit) {
  std::string out;
  for (std::size_t i = 0; i < value.size() && out.size() < limit; ++i) {
    const int high = value[i] == '%' && i + 2 < value.size() ? hexDigit(value[i + 1]) : -1;
    const int low = high >= 0 ? hexDigit(value[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += value[i];
    }
  }
  return out;
}

std::string grpcStatusesMarkdown() {
  std::string out = "| code | name | meaning | an origin's own is a |\n| --- | --- | --- | --- |\n";
  for (const GrpcStatusInfo& row : kGrpcTable) {
    fmt::format_to(std::back_inserter(out), "| {} | `{}` | {} | {} |\n", static_cast<int>(row.status), row.name,
                   row.meaning, row.failure ? "`failure`" : "`success`");
  }
  return out;
}

std::string grpcCausesMarkdown() {
  std::string out = "| what the client gets | causes |\n| --- | --- |\n";
  for (const GrpcStatusInfo& status : kGrpcTable) {
    std::string causes;
    for (const CauseInfo& row : allCauses()) {
      if (isToldAs(row, status.status)) {
        fmt::format_to(std::back_inserter(causes), "{}`{}`", causes.empty() ? "" : ", ", row.name);
      }
    }
    if (!causes.empty()) {
      fmt::format_to(std::back_inserter(out), "| {} `{}` | {} |\n", static_cast<int>(status.status), status.name,
                     causes);
    }
  }
  return out;
}

}  // namespace gatewhy
