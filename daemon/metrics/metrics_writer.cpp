// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics/metrics_writer.h"

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

void MetricsWriter::histogram(Labels labels, const DurationHistogram& durations, const BucketExemplars& exemplars) {
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
  if (open_) {
    text_ += "# EOF\n";
  }
  return std::move(text_);
}

std::string MetricsWriter::bound(double seconds) const {
  const bool whole = seconds >= 1 && seconds == static_cast<double>(static_cast<int>(seconds));
  return open_ && whole ? fmt::format("{:.1f}", seconds) : fmt::format("{:g}", seconds);
}

void MetricsWriter::writeLabels(Labels labels, std::string_view le) {
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
