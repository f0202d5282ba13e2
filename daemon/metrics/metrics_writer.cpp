// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/metrics_writer.h"

#include <functional>

#include "daemon/metrics/worker_metrics.h"

namespace gatewhy {

std::string_view typeName(MetricType type) {
  switch (type) {
    case MetricType::Counter:
      return "counter";
    case MetricType::Gauge:
      return "gauge";
    case MetricType::Histogram:
      return "histogram";
  }
  return {};
}

void MetricsWriter::begin(Metric metric) {
  writeOthers();
  current_ = &kMetrics[static_cast<std::size_t>(metric)];
  std::string_view family = current_->name;
  if (open_ && current_->type == MetricType::Counter) {
    family.remove_suffix(std::string_view("_total").size());
  }
  out("# HELP {} ", family);
  for (const char c : current_->help) {  // quotes are escaped by OpenMetrics only
    text_ += c == '"' && open_ ? std::string_view("\\\"") : std::string_view(&c, 1);
  }
  out("\n# TYPE {} {}\n", family, typeName(current_->type));
}

bool MetricsWriter::admit(Labels labels, std::size_t lines) {
  constexpr std::uint64_t kMix = 0x9E3779B97F4A7C15U;
  const std::hash<std::string_view> hash;
  std::uint64_t key = hash(current_->name);
  for (const auto& [name, value] : labels) {
    key = (key ^ hash(value)) * kMix;
    key ^= key >> 29U;
  }
  return bound_.admit(key, lines);
}

MetricsWriter::LabelValues MetricsWriter::foldedValues(Labels labels, std::size_t names) {
  LabelValues values;
  label_names_.clear();
  for (const auto& [name, value] : labels) {
    values.emplace_back(values.size() < names ? kOtherSeries : value);
    label_names_.push_back(name);
  }
  return values;
}

void MetricsWriter::count(Labels labels, std::size_t names, std::uint64_t value, const Exemplar* exemplar) {
  if (admit(labels, 1)) {
    sample(labels, value, exemplar);
  } else {
    other_counts_[foldedValues(labels, names)] += value;
  }
}

void MetricsWriter::histogram(Labels labels, std::size_t names, const DurationHistogram& durations,
                              const BucketExemplars& exemplars) {
  if (admit(labels, kHistogramLines)) {
    writeHistogram({labels.begin(), labels.size()}, durations, exemplars);
  } else {
    other_durations_[foldedValues(labels, names)].merge(durations);
  }
}

void MetricsWriter::writeOthers() {
  const auto labelled = [this](const LabelValues& values) {
    std::vector<std::pair<std::string_view, std::string_view>> labels;
    for (std::size_t i = 0; i < values.size(); ++i) {
      labels.emplace_back(label_names_[i], values[i]);
    }
    return labels;
  };
  for (const auto& [values, count] : std::exchange(other_counts_, {})) {
    text_ += current_->name;
    writeLabels(labelled(values));
    out(" {}\n", count);
  }
  for (const auto& [values, durations] : std::exchange(other_durations_, {})) {
    writeHistogram(labelled(values), durations, {});
  }
}

void MetricsWriter::writeHistogram(LabelSpan labels, const DurationHistogram& durations,
                                   const BucketExemplars& exemplars) {
  std::uint64_t before = 0;
  for (std::size_t i = 0; i <= kBucketBoundsMs.size(); ++i) {
    const bool last = i == kBucketBoundsMs.size();
    const std::uint64_t below = last ? durations.count() : durations.countUpTo(kBucketBoundsMs[i]);
    out("{}_bucket", current_->name);
    writeLabels(labels, last ? std::string("+Inf") : bound(kBucketBoundsMs[i] / 1000));
    out(" {}", below);
    writeExemplar(below != before ? exemplars[i] : nullptr);
    text_ += '\n';
    before = below;
  }
  out("{}_sum", current_->name);
  writeLabels(labels);
  out(" {:.9g}\n{}_count", durations.sumMs() / 1000, current_->name);
  writeLabels(labels);
  out(" {}\n", before);
}

std::string MetricsWriter::finish() && {
  writeOthers();
  if (open_) {
    text_ += "# EOF\n";
  }
  return std::move(text_);
}

std::string MetricsWriter::bound(double seconds) const {
  const bool whole = seconds >= 1 && seconds == static_cast<double>(static_cast<int>(seconds));
  return open_ && whole ? fmt::format("{:.1f}", seconds) : fmt::format("{:g}", seconds);
}

void MetricsWriter::writeLabels(LabelSpan labels, std::string_view le) {
  char separator = '{';
  const auto write = [&](std::string_view name, std::string_view value) {
    out("{}{}=\"", separator, name);
    escape(value);
    text_ += '"';
    separator = ',';
  };
  for (const auto& [name, value] : labels) {
    write(name, value);
  }
  if (!le.empty()) {
    write("le", le);
  }
  if (separator == ',') {
    text_ += '}';
  }
}

void MetricsWriter::escape(std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"') {
      text_ += '\\';
      text_ += c;
    } else if (c >= ' ' && c <= '~') {
      text_ += c;
    } else {
      out("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
}

void MetricsWriter::writeExemplar(const Exemplar* exemplar) {
  if (open_ && exemplar != nullptr && !exemplar->trace_id.empty()) {
    out(" # {{trace_id=\"{}\"}} {:.9g} {:.3f}", exemplar->trace_id, exemplar->value, exemplar->at);
  }
}

}  // namespace gatewhy
