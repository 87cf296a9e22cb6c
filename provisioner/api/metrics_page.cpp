#include "api/metrics_page.hpp"

#include <prometheus/text_serializer.h>

#include <limits>

namespace drover {

using prometheus::ClientMetric;
using prometheus::MetricType;

ClientMetric& MetricsPage::add(const std::string& name, const std::string& help, MetricType type,
                               const Labels& labels) {
    const auto [at, fresh] = known_.emplace(name, families_.size());
    if (fresh) families_.push_back({name, help, type, {}});
    ClientMetric& metric = families_[at->second].metric.emplace_back();
    metric.label = labels;
    return metric;
}

void MetricsPage::gauge(const std::string& name, const std::string& help, const Labels& labels, double value) {
    add(name, help, MetricType::Gauge, labels).gauge.value = value;
}

void MetricsPage::counter(const std::string& name, const std::string& help, const Labels& labels, double value) {
    add(name, help, MetricType::Counter, labels).counter.value = value;
}

void MetricsPage::histogram(const std::string& name, const std::string& help, const Labels& labels,
                            const Spans& spans) {
    const auto reading = spans.read();
    auto& histogram = add(name, help, MetricType::Histogram, labels).histogram;
    histogram.sample_count = static_cast<std::uint64_t>(reading.count());
    histogram.sample_sum = reading.sum;
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < reading.counts.size(); ++i) {
        count += static_cast<std::uint64_t>(reading.counts.at(i));
        const bool is_last = i == Spans::bounds.size();
        histogram.bucket.push_back({count, is_last ? std::numeric_limits<double>::infinity() : Spans::bounds.at(i)});
    }
}

void MetricsPage::calls(const std::string& prefix, const std::string& what, const Labels& labels,
                        const CallMeter& meter) {
    gauge(prefix + "_in_flight", what + " that are under way", labels, meter.under_way);
    counter(prefix + "_failures_total", what + " that failed", labels, static_cast<double>(meter.failed.value()));
    histogram(prefix + "_duration_seconds", "How long " + what + " took", labels, meter.took);
}

std::string MetricsPage::text() const { return prometheus::TextSerializer().Serialize(families_); }

}  // namespace drover
