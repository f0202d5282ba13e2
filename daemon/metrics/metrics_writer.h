// SPDX-License-Identifier: Apache-2.0
// Writes samples of the table of metrics in the text format 0.0.4, or in
// OpenMetrics 1.0.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/metrics/duration_histogram.h"
#include "daemon/metrics/series_bound.h"

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
  // `bound` outlives it.
  MetricsWriter(MetricsFormat format, SeriesBound& bound) : open_(format == MetricsFormat::OpenMetrics), bound_(bound) {
    bound_.beginPage();
  }

  void begin(Metric metric);

  template <typename Number>
  void sample(Labels labels, Number value, const Exemplar* exemplar = nullptr) {
    text_ += current_->name;
    writeLabels({labels.begin(), labels.size()});
    out(" {}", value);
    writeExemplar(exemplar);
    text_ += '\n';
  }

  // The first `names` labels are names from the configuration. Past the bound
  // of the page they are kOtherSeries, and what they have in common is one series.
  void count(Labels labels, std::size_t names, std::uint64_t value, const Exemplar* exemplar = nullptr);
  void histogram(Labels labels, std::size_t names, const DurationHistogram& durations,
                 const BucketExemplars& exemplars);

  // How many lines are not there by name, so far.
  [[nodiscard]] std::size_t folded() const noexcept { return bound_.folded(); }
  [[nodiscard]] std::string finish() &&;

 private:
  template <typename... Values>
  void out(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
  }

  // OpenMetrics wants 1.0 where the old format has 1.
  [[nodiscard]] std::string bound(double seconds) const;

  using LabelSpan = std::span<const std::pair<std::string_view, std::string_view>>;
  void writeLabels(LabelSpan labels, std::string_view le = {});
  void writeHistogram(LabelSpan labels, const DurationHistogram& durations, const BucketExemplars& exemplars);
  [[nodiscard]] bool admit(Labels labels, std::size_t lines);
  void writeOthers();

  // Names come from the configuration; octets that are no printable ASCII are
  // percent-encoded, because one that is not UTF-8 would spoil the whole page.
  void escape(std::string_view value);

  void writeExemplar(const Exemplar* exemplar);

  // What is folded, by the values of its labels.
  using LabelValues = std::vector<std::string>;
  [[nodiscard]] LabelValues foldedValues(Labels labels, std::size_t names);

  bool open_;
  SeriesBound& bound_;
  std::string text_;
  const MetricInfo* current_ = nullptr;
  std::vector<std::string_view> label_names_;  // of what is folded
  std::map<LabelValues, std::uint64_t> other_counts_;
  std::map<LabelValues, DurationHistogram> other_durations_;
};

template <typename Number>
void writeSingle(MetricsWriter& page, Metric metric, Number value) {
  page.begin(metric);
  page.sample({}, value);
}

}  // namespace gatewhy
