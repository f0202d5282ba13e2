// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/proxy_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "diagnostics/octets.h"
#include "diagnostics/reason_phrase.h"
#include "diagnostics/tls_alert.h"

namespace gatewhy {
namespace {

constexpr std::size_t kMaxStringBytes = 512;                // of one parameter: fields have limits elsewhere
constexpr std::uint64_t kMaxInteger = 999'999'999'999'999;  // RFC 8941 section 3.3.1

// RFC 8941 section 3.3.4.
bool isToken(std::string_view text) {
  return !text.empty() && (octets::isAlpha(text[0]) || text[0] == '*') &&
         std::all_of(text.begin(), text.end(), octets::isStructuredToken);
}

// RFC 8941 section 3.3.3: printable ASCII only; what is not is left out.
void appendQuoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text.substr(0, kMaxStringBytes)) {
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    if (c >= 0x20 && c < 0x7F) {
      out += c;
    }
  }
  out += '"';
}

class ParameterWriter {
 public:
  explicit ParameterWriter(std::string_view hop_name) {
    if (isToken(hop_name)) {
      out_ += hop_name;
    } else {
      appendQuoted(out_, hop_name);
    }
  }
  void token(std::string_view key, std::string_view value) {
    fmt::format_to(std::back_inserter(out_), "; {}={}", key, value);
  }
  void integer(std::string_view key, std::uint64_t value) {
    fmt::format_to(std::back_inserter(out_), "; {}={}", key, std::min(value, kMaxInteger));
  }
  void string(std::string_view key, std::string_view value) {
    if (!value.empty()) {
      fmt::format_to(std::back_inserter(out_), "; {}=", key);
      appendQuoted(out_, value);
    }
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// Names of RFC 1035 and RFC 2136, as the parameter wants them.
std::string_view rcodeName(int rcode) {
  constexpr std::array<std::string_view, 11> kNames = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                                       "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                                       "NXRRSET", "NOTAUTH", "NOTZONE"};
  return rcode >= 0 && rcode < static_cast<int>(kNames.size()) ? kNames[static_cast<std::size_t>(rcode)]
                                                               : std::string_view();
}

std::string_view rcodeOf(const DnsFault& fault) {
  if (fault.rcode) {
    return rcodeName(*fault.rcode);
  }
  switch (fault.status) {
    case DnsStatus::NxDomain:
      return "NXDOMAIN";
    case DnsStatus::NoData:
      return "NOERROR";
    case DnsStatus::ServFail:
      return "SERVFAIL";
    case DnsStatus::Refused:
      return "REFUSED";
    case DnsStatus::FormErr:
      return "FORMERR";
    case DnsStatus::NotImp:
      return "NOTIMP";
    case DnsStatus::BadReply:
    case DnsStatus::ServerUnreachable:
    case DnsStatus::Timeout:
    case DnsStatus::BadName:
    case DnsStatus::LocalFailure:
      return {};
  }
  return {};
}

bool isRegisteredCoding(std::string_view coding) {
  constexpr std::array<std::string_view, 9> kCodings = {"br",       "chunked", "compress",   "deflate", "gzip",
                                                        "identity", "x-gzip",  "x-compress", "zstd"};
  return std::find(kCodings.begin(), kCodings.end(), coding) != kCodings.end();
}

// What an origin invents as a coding is evidence; a registered name is not.
void writeCoding(ParameterWriter& out, std::string_view coding, Disclose disclose) {
  if (isRegisteredCoding(coding) || (disclose == Disclose::Evidence && isToken(coding))) {
    out.token("coding", coding);
  }
}

void writeDns(ParameterWriter& out, const Observation& observation) {
  if (const auto* fault = std::get_if<DnsFault>(&observation.fault)) {
    out.string("rcode", rcodeOf(*fault));
    if (fault->ede_code) {
      out.integer("info-code", *fault->ede_code);
    }
  }
}

void writeAlert(ParameterWriter& out, const Observation& observation) {
  const auto* fault = std::get_if<TlsFault>(&observation.fault);
  if (fault != nullptr && fault->alert >= 0) {
    out.integer("alert-id", static_cast<std::uint64_t>(fault->alert));
    out.string("alert-message", tlsAlertName(fault->alert));
  }
}

// Size of what was over its limit, 0 where that is not known.
std::uint64_t sizeAtFault(const Observation& observation) {
  if (const auto* fault = std::get_if<ParseFault>(&observation.fault)) {
    return fault->size;
  }
  if (const auto* fault = std::get_if<DecisionFault>(&observation.fault); fault != nullptr && fault->size) {
    return *fault->size;
  }
  return 0;
}

void writeSize(ParameterWriter& out, const Observation& observation, std::string_view size_key,
               std::string_view name_key, Disclose disclose) {
  const auto* fault = std::get_if<ParseFault>(&observation.fault);
  if (fault != nullptr && !name_key.empty() && disclose == Disclose::Evidence) {
    out.string(name_key, fault->header_name);
  }
  if (const std::uint64_t size = sizeAtFault(observation); size > 0) {
    out.integer(size_key, size);
  }
}

// The fault is in chunked itself unless it names another coding.
void writeTransferCoding(ParameterWriter& out, const Observation& observation, Disclose disclose) {
  const auto* fault = std::get_if<ParseFault>(&observation.fault);
  const bool names_other = fault != nullptr && fault->error == ParseError::CodingUnsupported;
  writeCoding(out, names_other ? std::string_view(fault->token) : std::string_view("chunked"), disclose);
}

void writeContentCoding(ParameterWriter& out, const Observation& observation, Disclose disclose) {
  if (const auto* fault = std::get_if<DecisionFault>(&observation.fault)) {
    writeCoding(out, fault->detail, disclose);
  }
}

// The extra parameters that RFC 9209 section 2.3 gives some error types.
void writeExtra(ParameterWriter& out, const Diagnosis& diagnosis, Disclose disclose) {
  const Observation& observation = diagnosis.observation;
  switch (diagnosis.proxy_error) {
    case ProxyError::DnsError:
      return writeDns(out, observation);
    case ProxyError::TlsAlertReceived:
      return writeAlert(out, observation);
    case ProxyError::HttpRequestError:
      if (diagnosis.sent_status != 0) {
        out.integer("status-code", diagnosis.sent_status);
        out.string("status-phrase", reasonPhrase(diagnosis.sent_status));
      }
      return;
    case ProxyError::HttpResponseHeaderSectionSize:
      return writeSize(out, observation, "header-section-size", {}, disclose);
    case ProxyError::HttpResponseHeaderSize:
      return writeSize(out, observation, "header-size", "header-name", disclose);
    case ProxyError::HttpResponseBodySize:
      return writeSize(out, observation, "body-size", {}, disclose);
    case ProxyError::HttpResponseTrailerSectionSize:
      return writeSize(out, observation, "trailer-section-size", {}, disclose);
    case ProxyError::HttpResponseTrailerSize:
      return writeSize(out, observation, "trailer-size", "trailer-name", disclose);
    case ProxyError::HttpResponseTransferCoding:
      return writeTransferCoding(out, observation, disclose);
    case ProxyError::HttpResponseContentCoding:
      return writeContentCoding(out, observation, disclose);
    case ProxyError::None:
    case ProxyError::DnsTimeout:
    case ProxyError::DestinationNotFound:
    case ProxyError::DestinationUnavailable:
    case ProxyError::DestinationIpProhibited:
    case ProxyError::DestinationIpUnroutable:
    case ProxyError::ConnectionRefused:
    case ProxyError::ConnectionTerminated:
    case ProxyError::ConnectionTimeout:
    case ProxyError::ConnectionReadTimeout:
    case ProxyError::ConnectionWriteTimeout:
    case ProxyError::ConnectionLimitReached:
    case ProxyError::TlsProtocolError:
    case ProxyError::TlsCertificateError:
    case ProxyError::HttpRequestDenied:
    case ProxyError::HttpResponseIncomplete:
    case ProxyError::HttpResponseTimeout:
    case ProxyError::HttpUpgradeFailed:
    case ProxyError::HttpProtocolError:
    case ProxyError::ProxyInternalResponse:
    case ProxyError::ProxyInternalError:
    case ProxyError::ProxyConfigurationError:
    case ProxyError::ProxyLoopDetected:
      return;
  }
}

}  // namespace

std::string proxyStatus(const Diagnosis& diagnosis, std::string_view hop_name, Disclose disclose,
                        std::uint16_t received_status) {
  if (disclose == Disclose::None || (diagnosis.proxy_error == ProxyError::None && received_status == 0)) {
    return {};
  }
  ParameterWriter out(hop_name);
  if (diagnosis.proxy_error != ProxyError::None) {
    out.token("error", name(diagnosis.proxy_error));
    writeExtra(out, diagnosis, disclose);
  }
  if (received_status != 0) {
    out.integer("received-status", received_status);
  }
  if (disclose == Disclose::Evidence) {
    out.string("details", diagnosis.summary);
  }
  return out.take();
}

std::string passedOnProxyStatus(std::string_view hop_name, std::uint16_t received_status) {
  ParameterWriter out(hop_name);
  out.integer("received-status", received_status);
  return out.take();
}

}  // namespace gatewhy
