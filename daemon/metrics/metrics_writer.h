// SPDX-License-Identifier: Apache-2.0
// Writes samples of the table of metrics in the text format 0.0.4, or in
// OpenMetrics 1.0.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/metrics/duration_histogram.h"

namespace gatewhy {

enum class MetricsFormat : std::uint8_t { Text, OpenMetrics };

enum class Metric : std::uint8_t {
#define METRIC(enumerator, ...) enumerator,
#include "daemon/metrics/metrics.def"
#undef METRIC
};

enum class MetricType : std::uint8_t { Counter, Gauge, Histogram };

struct MetricInfo {
  std::string_view name;
  MetricType type;
  std::string_view labels;
  std::string_view help;
};

inline constexpr MetricInfo kMetrics[] = {
#define METRIC(enumerator, name, type, labels, help) {name, MetricType::type, labels, help},
#include "daemon/metrics/metrics.def"
#undef METRIC
};

[[nodiscard]] std::string_view typeName(MetricType type);

// Of a failure: what exemplars need.
struct Exemplar {
  std::string trace_id;
  double value = 0;
  double at = 0;  // Unix seconds
};
using BucketExemplars = std::array<const Exemplar*, kBucketBoundsMs.size() + 1>;
using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class MetricsWriter {
 public:
  explicit MetricsWriter(MetricsFormat format) : open_(format == MetricsFormat::OpenMetrics) {}

  void begin(Metric metric);

  template <typename Number>
  void sample(Labels labels, Number value, const Exemplar* exemplar = nullptr) {
    text_ += current_->name;
    writeLabels(labels);
    out(" {}", value);
    writeExemplar(exemplar);
    text_ += '\n';
  }

  void histogram(Labels labels, const DurationHistogram& durations, const BucketExemplars& exemplars);

  [[nodiscard]] std::string finish() &&;

 private:
  template <typename... Values>
  void out(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
  }

  // OpenMetrics wants 1.0 where the old format has 1.
  [[nodiscard]] std::string bound(double seconds) const;

  void writeLabels(Labels labels, std::string_view le = {});

  // Names come from the configuration; octets that are no printable ASCII are
  // percent-encoded, because one that is not UTF-8 would spoil the whole page.
  void escape(std::string_view value);

  void writeExemplar(const Exemplar* exemplar);

  bool open_;
  std::string text_;
  const MetricInfo* current_ = nullptr;
};

template <typename Number>
void writeSingle(MetricsWriter& page, Metric metric, Number value) {
  page.begin(metric);
  page.sample({}, value);
}

}  // namespace gatewhy
