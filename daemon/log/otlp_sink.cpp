// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/otlp_sink.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <poll.h>
#include <zlib.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "config/file_text.h"
#include "daemon/log/otlp_json.h"

namespace gatewhy {
namespace {

constexpr std::size_t kMostRecords = 512;
constexpr std::size_t kMostOtlpLines = 256UL * 1024;
constexpr long kOtlpConnect = 2000;  // milliseconds
constexpr long kOtlpLimit = 10'000;
constexpr std::size_t kMostCredentials = 64UL * 1024;
constexpr long kHttpOk = 200, kHttpBadRequest = 400, kHttpNotFound = 404, kHttpTooLarge = 413;

std::string gzipped(std::string_view text) {
  z_stream stream{};
  constexpr int kGzip = 15 + 16;  // the largest window, and gzip's framing
  constexpr int kMemory = 8;
  if (::deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY) != Z_OK) {
    return {};
  }
  std::string out(::deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int done = ::deflate(&stream, Z_FINISH);
  out.resize(done == Z_STREAM_END ? stream.total_out : 0);
  ::deflateEnd(&stream);
  return out;
}

struct CurlRelease {
  void operator()(CURL* curl) const noexcept { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

struct OtlpAnswer {
  long status = 0;
  std::string body;
  std::string problem;  // where there was no answer
};

class OtlpSink final : public LogDestination {
 public:
  OtlpSink(const LogPlace& place, const LogTarget& target) : name_(place.name), url_(place.url), target_(target) {}

  WriteResult write(std::string_view lines) override {
    if (!curl_ && !prepare()) {
      return {.status = WriteStatus::Failed, .reason = problem_};
    }
    if (unsent_traces_.empty()) {
      const std::vector<std::string_view> batch = batchOf(lines);
      taken_ = {};
      for (const std::string_view line : batch) {
        taken_.size += line.size() + 1;
      }
      taken_.size = std::min(taken_.size, lines.size());
      WriteResult failed = send("/v1/logs", otlpLogs(batch), batch.size());
      if (failed.status != WriteStatus::Ok) {
        return failed;
      }
      unsent_traces_ = traces_wanted_ ? otlpTraces(batch) : std::string();
    }
    if (!unsent_traces_.empty()) {
      WriteResult failed = send("/v1/traces", unsent_traces_, 0);
      if (failed.status != WriteStatus::Ok) {
        return failed;
      }
      unsent_traces_.clear();
    }
    return taken_;
  }

  void awaitRoom(int timeout_ms) override { ::poll(nullptr, 0, timeout_ms); }
  [[nodiscard]] std::string name() const override { return name_; }

 private:
  static std::vector<std::string_view> batchOf(std::string_view lines) {
    std::vector<std::string_view> batch;
    std::size_t bytes = 0;
    while (!lines.empty() && batch.size() < kMostRecords && bytes < kMostOtlpLines) {
      const std::string_view line = lines.substr(0, lines.find('\n'));
      batch.push_back(line);
      bytes += line.size() + 1;
      lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    }
    return batch;
  }

  // Ok: sent, or never to be taken. `records`: how many log records it holds.
  WriteResult send(const std::string& path, const std::string& body, std::size_t records) {
    const OtlpAnswer answer = post(url_ + path, body);
    if (!answer.problem.empty()) {
      return {.status = WriteStatus::Failed, .reason = answer.problem};
    }
    if (answer.status == kHttpOk) {
      taken_.refused += records == 0 ? 0 : rejectedOf(answer.body);
      return {};
    }
    // What the protocol says not to send again; all other statuses may pass.
    if (answer.status == kHttpBadRequest || answer.status == kHttpTooLarge) {
      taken_.refused += records;
      return {};
    }
    if (records == 0 && answer.status == kHttpNotFound) {
      traces_wanted_ = false;  // a receiver for logs alone
      return {};
    }
    return {.status = WriteStatus::Failed, .reason = fmt::format("{} says {}", path, answer.status)};
  }

  static std::uint64_t rejectedOf(const std::string& body) {
    const auto answer = nlohmann::json::parse(body, nullptr, false);
    const nlohmann::json::json_pointer path("/partialSuccess/rejectedLogRecords");
    if (!answer.is_object() || !answer.contains(path)) {
      return 0;
    }
    const auto& count = answer.at(path);
    return count.is_string()            ? std::strtoull(count.get<std::string>().c_str(), nullptr, 10)
           : count.is_number_unsigned() ? count.get<std::uint64_t>()
                                        : 0;
  }

  bool prepare() {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Content-Encoding: gzip");
    headers = curl_slist_append(headers, "Expect:");
    if (!target_.credentials.empty()) {
      const auto text = readTextFile(target_.credentials, kMostCredentials);
      if (!text) {
        problem_ = fmt::format("'{}' cannot be read: {}", target_.credentials, text.error());
        curl_slist_free_all(headers);
        return false;
      }
      for (std::size_t at = 0; at < text->size();) {
        const std::size_t end = std::min(text->find('\n', at), text->size());
        if (const std::string line = text->substr(at, end - at); line.find(':') != std::string::npos) {
          headers = curl_slist_append(headers, line.c_str());
        }
        at = end + 1;
      }
    }
    headers_.reset(headers);
    curl_.reset(curl_easy_init());
    problem_ = "libcurl cannot be used";
    return curl_ != nullptr;
  }

  static std::size_t onBody(const char* data, std::size_t size, std::size_t count, void* into) {
    constexpr std::size_t kMostAnswer = 64UL * 1024;
    auto& body = *static_cast<std::string*>(into);
    body.append(data, std::min(size * count, kMostAnswer - std::min(kMostAnswer, body.size())));
    return size * count;
  }

  OtlpAnswer post(const std::string& url, const std::string& body) {
    OtlpAnswer answer;
    const std::string packed = gzipped(body);
    CURL* const curl = curl_.get();
    curl_easy_reset(curl);  // the connection stays
    std::string error(CURL_ERROR_SIZE, '\0');
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kOtlpConnect);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, kOtlpLimit);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_.get());
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "gatewhy/" GATEWHY_VERSION);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, packed.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(packed.size()));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, onBody);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error.data());
    if (target_.tls) {
      setTls(curl, *target_.tls);
    }
    const CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    if (code != CURLE_OK) {
      error.resize(std::min(error.find('\0'), error.size()));
      answer.problem = error.empty() ? curl_easy_strerror(code) : error;
    }
    return answer;
  }

  static void setTls(CURL* curl, const LogTls& tls) {
    if (!tls.ca_file.empty()) {
      curl_easy_setopt(curl, CURLOPT_CAINFO, tls.ca_file.c_str());
    }
    if (!tls.certificate.empty()) {
      curl_easy_setopt(curl, CURLOPT_SSLCERT, tls.certificate.c_str());
      curl_easy_setopt(curl, CURLOPT_SSLKEY, tls.key.c_str());
    }
  }

  const std::string name_, url_;
  const LogTarget target_;
  std::string problem_;
  std::unique_ptr<curl_slist, CurlRelease> headers_;
  std::unique_ptr<CURL, CurlRelease> curl_;
  bool traces_wanted_ = true;
  std::string unsent_traces_;  // of the batch whose logs are there already
  WriteResult taken_;          // what that batch was
};

}  // namespace

std::unique_ptr<LogDestination> makeOtlpSink(const LogPlace& place, const LogTarget& target) {
  return std::make_unique<OtlpSink>(place, target);
}

}  // namespace gatewhy
