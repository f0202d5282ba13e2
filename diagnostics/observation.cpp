// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/observation.h"

#include <array>
#include <cstddef>

namespace gatewhy {
namespace {

struct ParseErrorRow {
  std::string_view name;
  Cause in_request;
  Cause in_response;
  std::string_view description;
};

constexpr std::array kParseErrors{
#define PARSE_ERROR(enumerator, text, request, response, description) \
  ParseErrorRow{text, Cause::request, Cause::response, description},
#include "diagnostics/parse_errors.def"
#undef PARSE_ERROR
};

constexpr const ParseErrorRow& row(ParseError error) {
  return kParseErrors[static_cast<std::size_t>(error)];
}

}  // namespace

std::string_view name(ParseError error) noexcept {
  return row(error).name;
}
std::string_view description(ParseError error) noexcept {
  return row(error).description;
}
Cause causeInRequest(ParseError error) noexcept {
  return row(error).in_request;
}
Cause causeInResponse(ParseError error) noexcept {
  return row(error).in_response;
}

std::string_view name(DnsStatus status) noexcept {
  switch (status) {
    case DnsStatus::NxDomain:
      return "NXDOMAIN";
    case DnsStatus::NoData:
      return "NODATA";
    case DnsStatus::ServFail:
      return "SERVFAIL";
    case DnsStatus::Refused:
      return "REFUSED";
    case DnsStatus::FormErr:
      return "FORMERR";
    case DnsStatus::NotImp:
      return "NOTIMP";
    case DnsStatus::BadReply:
      return "bad_reply";
    case DnsStatus::ServerUnreachable:
      return "server_unreachable";
    case DnsStatus::Timeout:
      return "timeout";
    case DnsStatus::BadName:
      return "bad_name";
    case DnsStatus::LocalFailure:
      return "local_failure";
  }
  return {};
}

std::string_view name(ConnectCall call) noexcept {
  switch (call) {
    case ConnectCall::Socket:
      return "socket";
    case ConnectCall::Bind:
      return "bind";
    case ConnectCall::Connect:
      return "connect";
    case ConnectCall::SoError:
      return "SO_ERROR";
    case ConnectCall::Timer:
      return "timer";
    case ConnectCall::SelfConnect:
      return "self_connect";
    case ConnectCall::Policy:
      return "policy";
  }
  return {};
}

std::string_view name(TlsFailure failure) noexcept {
  switch (failure) {
    case TlsFailure::AlertReceived:
      return "alert_received";
    case TlsFailure::AlertSent:
      return "alert_sent";
    case TlsFailure::Eof:
      return "eof";
    case TlsFailure::CloseNotify:
      return "close_notify";
    case TlsFailure::Reset:
      return "reset";
    case TlsFailure::Io:
      return "io";
    case TlsFailure::NotTls:
      return "not_tls";
    case TlsFailure::Protocol:
      return "protocol";
    case TlsFailure::Certificate:
      return "certificate";
    case TlsFailure::Alpn:
      return "alpn";
    case TlsFailure::Timeout:
      return "timeout";
    case TlsFailure::Setup:
      return "setup";
    case TlsFailure::Memory:
      return "memory";
  }
  return {};
}

std::string_view name(Timer timer) noexcept {
  switch (timer) {
    case Timer::Resolve:
      return "resolve";
    case Timer::Connect:
      return "connect";
    case Timer::TlsHandshake:
      return "tls_handshake";
    case Timer::Send:
      return "send";
    case Timer::ResponseHead:
      return "response_head";
    case Timer::ResponseIdle:
      return "response_idle";
    case Timer::Exchange:
      return "exchange";
    case Timer::Queue:
      return "connect";  // a place is worth what a handshake is
    case Timer::ClientTls:
    case Timer::ClientHead:
      return "client_head_timeout";
    case Timer::ClientBody:
    case Timer::ClientWrite:
      return "client_body_timeout";
    case Timer::ClientRate:
      return "client_minimum_rate";
    case Timer::Tunnel:
      return "tunnel";
    case Timer::GrpcTimeout:
      return "grpc-timeout";
  }
  return {};
}

std::string_view name(ClosedWindow::Of of) noexcept {
  switch (of) {
    case ClosedWindow::Of::Stream:
      return "stream";
    case ClosedWindow::Of::Connection:
      return "connection";
    case ClosedWindow::Of::Both:
      return "both";
  }
  return {};
}

std::string_view name(UpgradeRule rule) noexcept {
  switch (rule) {
    case UpgradeRule::Unsolicited:
      return "unsolicited";
    case UpgradeRule::UpgradeMissing:
      return "upgrade_missing";
    case UpgradeRule::OtherProtocol:
      return "other_protocol";
    case UpgradeRule::ConnectionMissing:
      return "connection_missing";
    case UpgradeRule::AcceptMissing:
      return "accept_missing";
    case UpgradeRule::AcceptDiffers:
      return "accept_differs";
    case UpgradeRule::NotSwitched:
      return "not_switched";
  }
  return {};
}

std::string_view description(UpgradeRule rule) noexcept {
  switch (rule) {
    case UpgradeRule::Unsolicited:
      return "the request did not ask for an upgrade";
    case UpgradeRule::UpgradeMissing:
      return "the 101 has no Upgrade field";
    case UpgradeRule::OtherProtocol:
      return "the 101 names another protocol";
    case UpgradeRule::ConnectionMissing:
      return "the 101 has no Connection: upgrade";
    case UpgradeRule::AcceptMissing:
      return "the 101 has no Sec-WebSocket-Accept";
    case UpgradeRule::AcceptDiffers:
      return "Sec-WebSocket-Accept does not answer the Sec-WebSocket-Key";
    case UpgradeRule::NotSwitched:
      return "the origin answered without switching, which HTTP/2 has no way to pass on";
  }
  return {};
}

std::string_view name(EndFault::How how) noexcept {
  switch (how) {
    case EndFault::How::Fin:
      return "fin";
    case EndFault::How::Reset:
      return "reset";
    case EndFault::How::CloseNotify:
      return "close_notify";
    case EndFault::How::TlsTruncated:
      return "tls_truncated";
    case EndFault::How::Error:
      return "error";
  }
  return {};
}

std::string_view name(StreamFault::How how) noexcept {
  switch (how) {
    case StreamFault::How::Reset:
      return "reset";
    case StreamFault::How::GoAway:
      return "goaway";
    case StreamFault::How::Protocol:
      return "protocol";
    case StreamFault::How::Flood:
      return "flood";
    case StreamFault::How::Stalled:
      return "stalled";
    case StreamFault::How::NoSettings:
      return "no_settings";
    case StreamFault::How::PingTimeout:
      return "ping_timeout";
    case StreamFault::How::NoRoom:
      return "no_room";
    case StreamFault::How::Misdirected:
      return "misdirected";
  }
  return {};
}

}  // namespace gatewhy
