#pragma once
#include <prometheus/metric_family.h>

#include <map>
#include <string>
#include <vector>

#include "model/meter.hpp"

namespace drover {

/// Metrics made for one answer: what they count is kept elsewhere. A name has one help and one type: those of its first
/// use.
class MetricsPage {
  public:
    using Labels = std::vector<prometheus::ClientMetric::Label>;

    void gauge(const std::string& name, const std::string& help, const Labels& labels, double value);
    /// `name` ends in _total.
    void counter(const std::string& name, const std::string& help, const Labels& labels, double value);
    /// `name` ends in _seconds.
    void histogram(const std::string& name, const std::string& help, const Labels& labels, const Spans& spans);
    /// <prefix>_calls_in_flight, <prefix>_failures_total, <prefix>_duration_seconds.
    void calls(const std::string& prefix, const std::string& what, const Labels& labels, const CallMeter& meter);
    /// In Prometheus' text format.
    [[nodiscard]] std::string text() const;

  private:
    prometheus::ClientMetric& add(const std::string& name, const std::string& help, prometheus::MetricType type,
                                  const Labels& labels);

    std::vector<prometheus::MetricFamily> families_;
    std::map<std::string, std::size_t> known_;
};

}  // namespace drover
