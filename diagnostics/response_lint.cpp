// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/response_lint.h"

#include <algorithm>
#include <cstddef>
#include <unordered_map>

#include "diagnostics/cookie_lint.h"
#include "diagnostics/http_date.h"
#include "diagnostics/octets.h"
#include "diagnostics/reason_phrase.h"
#include "diagnostics/status_registry.h"

namespace gatewhy {
namespace {

using std::chrono::sys_seconds;

// Clocks in one data centre differ by less; an origin that is off by more
// spoils what caches compute from its dates.
constexpr std::chrono::minutes kClockTolerance{10};

template <typename... Ids>
constexpr std::uint64_t maskOfAll(Ids... ids) {
  return ((std::uint64_t{1} << static_cast<unsigned>(ids)) | ...);
}

// Fields with a grammar of one value (RFC 9110 section 5.3). Content-Length is
// the parser's business.
constexpr std::uint64_t kSingletons = maskOfAll(
    FieldId::Age, FieldId::ContentLocation, FieldId::ContentRange, FieldId::ContentType, FieldId::Date, FieldId::Etag,
    FieldId::Expires, FieldId::LastModified, FieldId::Location, FieldId::RetryAfter, FieldId::Server);

// Fields whose value is judged.
constexpr std::uint64_t kJudged =
    maskOfAll(FieldId::Allow, FieldId::CacheControl, FieldId::ContentEncoding, FieldId::ContentRange,
              FieldId::ContentType, FieldId::Date, FieldId::Etag, FieldId::LastModified, FieldId::Location,
              FieldId::RetryAfter, FieldId::SetCookie, FieldId::Upgrade);

bool isRegistered(const StatusMeaning& meaning) {
  return meaning.standing != Standing::Unofficial && meaning.standing != Standing::Retired;
}

bool isRegistered(std::uint16_t status) {
  const auto meanings = meaningsOf(status);
  return std::any_of(meanings.begin(), meanings.end(), [](const StatusMeaning& row) { return isRegistered(row); });
}

// The status that the registry knows under this name, or knew; 0 where there
// is none. Asked only where a phrase is not the usual one.
std::uint16_t statusOfPhrase(std::string_view phrase) {
  static const auto by_phrase = [] {
    std::unordered_map<std::string_view, std::uint16_t> phrases;
    for (const StatusMeaning& row : allStatusMeanings()) {
      if (isRegistered(row)) {
        for (const std::string_view known : namesOf(row)) {
          phrases.emplace(known, row.code);
        }
      }
    }
    return phrases;
  }();
  const auto found = by_phrase.find(phrase);
  return found == by_phrase.end() ? std::uint16_t{0} : found->second;
}

bool isAgeDirective(std::string_view name) {
  return equalsIgnoreCase(name, "max-age") || equalsIgnoreCase(name, "s-maxage");
}

}  // namespace

void ResponseLint::judgeReason(std::string_view reason) {
  if (reason.empty() || (status_ == 200 && reason == "OK") || reason == reasonPhrase(status_)) {
    return;
  }
  const std::uint16_t other = statusOfPhrase(reason);
  if (other != 0 && other / 100 != status_ / 100) {
    found_.add(Finding::ReasonContradictsStatus);
  }
}

void ResponseLint::field(FieldId id, std::string_view value, bool nominated) {
  const std::uint64_t mask = maskOf(id);
  if ((seen_ & mask & kSingletons) != 0) {
    found_.add(Finding::DuplicateSingletonField);
  }
  seen_ |= mask;
  filled_ |= value.empty() ? 0 : mask;
  if ((mask & kJudged) != 0) {
    judgeValue(id, value, nominated);
  }
}

void ResponseLint::judgeValue(FieldId id, std::string_view value, bool nominated) {
  const auto require = [this](bool fits, Finding finding) {
    if (!fits) {
      found_.add(finding);
    }
  };
  switch (id) {
    case FieldId::Allow:
      require(status_ != 405 || !listHas(value, request_.method()), Finding::Status405AllowsTheMethod);
      break;
    case FieldId::CacheControl:
      judgeCacheControl(value);
      break;
    case FieldId::ContentEncoding:
      judgeContentEncoding(value);
      break;
    case FieldId::ContentRange:
      judgeContentRange(value);
      break;
    case FieldId::ContentType:
      judgeContentType(value);
      break;
    case FieldId::Date:
      date_ = parseHttpDate(value);
      require(date_.has_value(), Finding::DateMalformed);
      break;
    case FieldId::Etag:
      require(isEntityTag(value), Finding::EtagMalformed);
      break;
    case FieldId::LastModified:
      last_modified_ = parseHttpDate(value);
      require(last_modified_.has_value(), Finding::LastModifiedMalformed);
      break;
    case FieldId::Location:
      require(isUriReference(value), Finding::LocationMalformed);
      break;
    case FieldId::RetryAfter:
      require(isDeltaSeconds(value) || parseHttpDate(value), Finding::RetryAfterMalformed);
      break;
    case FieldId::SetCookie:
      found_.add(lintSetCookie(value, request_.clientHost()));
      break;
    case FieldId::Upgrade:
      require(nominated, Finding::UpgradeWithoutConnection);
      break;
    default:  // not in kJudged
      break;
  }
}

void ResponseLint::judgeContentType(std::string_view value) {
  constexpr std::string_view kByteranges = "multipart/byteranges";
  if (!isMediaType(value)) {
    found_.add(Finding::ContentTypeMalformed);
  }
  byteranges_ = status_ == 206 && equalsIgnoreCase(value.substr(0, kByteranges.size()), kByteranges);
}

void ResponseLint::judgeContentEncoding(std::string_view value) {
  while (!value.empty()) {
    const std::string_view coding = takeMember(value);
    if (coding.empty() || isContentCoding(coding)) {
      continue;
    }
    found_.add(equalsIgnoreCase(coding, "identity") ? Finding::ContentEncodingIdentity
                                                    : Finding::ContentEncodingUnregistered);
  }
}

void ResponseLint::judgeCacheControl(std::string_view value) {
  while (!value.empty()) {
    const std::string_view directive = takeMember(value);
    const std::size_t name_end = octets::skip(directive, 0, octets::kToken);
    if (!isAgeDirective(directive.substr(0, name_end))) {
      continue;
    }
    std::string_view seconds = directive.substr(name_end);
    if (!seconds.starts_with('=')) {
      found_.add(Finding::CacheControlAgeMalformed);
      continue;
    }
    seconds.remove_prefix(1);
    if (seconds.size() >= 2 && seconds.front() == '"' && seconds.back() == '"') {
      seconds = seconds.substr(1, seconds.size() - 2);  // RFC 9111 section 5.2: recipients take both forms
    }
    if (!isDeltaSeconds(seconds)) {
      found_.add(Finding::CacheControlAgeMalformed);
    }
  }
}

// Elsewhere the field has no meaning (RFC 9110 section 14.4).
void ResponseLint::judgeContentRange(std::string_view value) {
  if (status_ != 206 && status_ != 416) {
    return;
  }
  range_ = parseContentRange(value);
  const bool fits = range_ && (!range_->bytes || range_->unsatisfied == (status_ == 416));
  if (!range_ || (!fits && status_ == 206)) {
    found_.add(Finding::ContentRangeMalformed);
  }
}

FindingSet ResponseLint::headDone(std::optional<std::uint64_t> content_length) {
  judgeStatus(content_length);
  judgeDates();
  return found_;
}

void ResponseLint::judgeDates() {
  if (!seen(FieldId::Date)) {
    if (status_ < 500) {
      found_.add(Finding::DateMissing);
    }
  } else if (date_) {
    const bool ahead = *date_ > now_ + kClockTolerance;
    const bool behind = *date_ < now_ - kClockTolerance && !seen(FieldId::Age);
    if (ahead || behind) {
      found_.add(Finding::DateWrong);
    }
  }
  // Both are in whole seconds, of a file system and of a clock.
  if (last_modified_ && *last_modified_ > date_.value_or(now_) + std::chrono::seconds(1)) {
    found_.add(Finding::LastModifiedInFuture);
  }
}

void ResponseLint::judgePartial(std::optional<std::uint64_t> content_length) {
  if (!request_.has(FieldId::Range)) {
    found_.add(Finding::Status206Unrequested);
  }
  if (byteranges_) {
    if (seen(FieldId::ContentRange)) {
      found_.add(Finding::Status206MultipartWithContentRange);
    }
  } else if (!seen(FieldId::ContentRange)) {
    found_.add(Finding::Status206WithoutContentRange);
  } else if (range_ && range_->bytes && !range_->unsatisfied && content_length &&
             *content_length != range_->last - range_->first + 1) {
    found_.add(Finding::Status206LengthDiffers);
  }
}

void ResponseLint::judgeStatus(std::optional<std::uint64_t> content_length) {
  const auto needs = [this](bool there, Finding finding) {
    if (!there) {
      found_.add(finding);
    }
  };
  switch (status_) {
    case 200:
      return;  // promises nothing of a field
    case 204:
      needs(!seen(FieldId::ContentLength) && !seen(FieldId::TransferEncoding), Finding::Status204WithContentLength);
      return;
    case 206:
      judgePartial(content_length);
      return;
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      needs(filled(FieldId::Location), Finding::RedirectWithoutLocation);
      return;
    case 304:
      needs(request_.has(FieldId::IfNoneMatch) || request_.has(FieldId::IfModifiedSince),
            Finding::Status304Unrequested);
      return;
    case 305:
    case 306:
      found_.add(Finding::StatusRetired);
      return;
    case 401:
      needs(filled(FieldId::WwwAuthenticate), Finding::Status401WithoutWwwAuthenticate);
      return;
    case 405:
      needs(seen(FieldId::Allow), Finding::Status405WithoutAllow);
      return;
    case 407:
      needs(filled(FieldId::ProxyAuthenticate), Finding::Status407WithoutProxyAuthenticate);
      return;
    case 416:
      needs(seen(FieldId::ContentRange) && (!range_ || !range_->bytes || range_->unsatisfied),
            Finding::Status416WithoutContentRange);
      return;
    case 425:
      needs(request_.has(FieldId::EarlyData), Finding::Status425WithoutEarlyData);
      return;
    case 426:
      needs(filled(FieldId::Upgrade), Finding::Status426WithoutUpgrade);
      return;
    case 429:
      needs(seen(FieldId::RetryAfter), Finding::Status429WithoutRetryAfter);
      return;
    case 503:
      needs(seen(FieldId::RetryAfter), Finding::Status503WithoutRetryAfter);
      return;
    case 511:
      found_.add(Finding::Status511FromOrigin);
      return;
    default:
      needs(status_ > 599 || isRegistered(status_), Finding::StatusUnregistered);
      return;
  }
}

FindingSet lintInterim(bool framed) noexcept {
  FindingSet found;
  if (framed) {
    found.add(Finding::InterimWithContentLength);
  }
  return found;
}

FindingSet lintEnd(const ResponseEnd& end) noexcept {
  FindingSet found;
  if (end.content == 0) {
    return found;
  }
  if (end.status == 205) {
    found.add(Finding::Status205WithContent);
  }
  // A 206 to If-Range leaves out what the client has already (RFC 9110 section 15.3.7).
  if (!end.has_content_type && end.status != 206) {
    found.add(Finding::ContentWithoutContentType);
  }
  return found;
}

Finding extraData(const ResponseEnd& end) noexcept {
  switch (end.status) {
    case 204:
      return Finding::Status204WithBody;
    case 304:
      return Finding::Status304WithBody;
    default:
      return end.to_head ? Finding::HeadWithBody : Finding::ResponseExtraData;
  }
}

}  // namespace gatewhy
