// SPDX-License-Identifier: Apache-2.0
#include "daemon/out_of_memory.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <new>
#include <string_view>

#include "diagnostics/cause.h"
#include "diagnostics/event.h"

namespace gatewhy {
namespace {

constexpr std::string_view kTimestampKey = "\"timestamp\":\"";

struct LastWord {
  std::array<char, 1024> line{};
  std::size_t size = 0;
  std::size_t timestamp_at = 0;  // "2024-01-31T12:00:00.000000Z"
  int fd = STDERR_FILENO;
};
LastWord last_word;
std::atomic_flag already_said = ATOMIC_FLAG_INIT;

void putDigits(char* at, unsigned width, unsigned long value) {
  for (; width != 0; --width, value /= 10) {
    at[width - 1] = static_cast<char>('0' + value % 10);
  }
}

// Without gmtime_r(), which may allocate its zones: days to a date as in
// Howard Hinnant's civil_from_days.
void putTimestamp(char* at) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const long days = now.tv_sec / 86400 + 719468;
  const long era = days / 146097;
  const auto day_of_era = static_cast<unsigned long>(days - era * 146097);
  const unsigned long year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned long day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned long shifted = (5 * day_of_year + 2) / 153;  // from March
  const unsigned long month = shifted < 10 ? shifted + 3 : shifted - 9;
  const auto seconds = static_cast<unsigned long>(now.tv_sec % 86400);
  putDigits(at, 4, year_of_era + static_cast<unsigned long>(era) * 400 + (month <= 2 ? 1 : 0));
  putDigits(at + 5, 2, month);
  putDigits(at + 8, 2, day_of_year - (153 * shifted + 2) / 5 + 1);
  putDigits(at + 11, 2, seconds / 3600);
  putDigits(at + 14, 2, seconds / 60 % 60);
  putDigits(at + 17, 2, seconds % 60);
  putDigits(at + 20, 6, static_cast<unsigned long>(now.tv_nsec / 1000));
}

[[noreturn]] void onOutOfMemory() {
  if (!already_said.test_and_set()) {
    putTimestamp(last_word.line.data() + last_word.timestamp_at);
    std::size_t written = 0;
    while (written < last_word.size) {
      const ssize_t size = ::write(last_word.fd, last_word.line.data() + written, last_word.size - written);
      if (size <= 0) {
        break;
      }
      written += static_cast<std::size_t>(size);
    }
    std::abort();
  }
  for (;;) {
    ::pause();  // another thread is about to end us all
  }
}

int openLastDestination(const std::string& destination) {
  if (destination == "stdout") {
    return STDOUT_FILENO;
  }
  const int file = destination.find('/') == std::string::npos
                       ? -1
                       : ::open(destination.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
  return file >= 0 ? file : STDERR_FILENO;
}

}  // namespace

void prepareForOutOfMemory(const std::string& destination) {
  LifecycleEvent event;
  event.event = "message";
  event.severity = "ERROR";
  event.message =
      "no memory: an allocation failed, and this process ends; compare limits.memory with RLIMIT_AS and the memory "
      "limit of the control group";
  event.facts = {{.key = "cause", .text = std::string(name(Cause::ProxyMemoryExhausted)), .number = {}, .list = {}}};
  std::string line;
  appendJson(line, event, std::chrono::system_clock::now());
  const std::size_t at = line.find(kTimestampKey);
  if (at == std::string::npos || line.size() > last_word.line.size()) {
    return;
  }
  std::copy(line.begin(), line.end(), last_word.line.begin());
  last_word.size = line.size();
  last_word.timestamp_at = at + kTimestampKey.size();
  last_word.fd = openLastDestination(destination);
  std::set_new_handler(onOutOfMemory);
}

}  // namespace gatewhy
