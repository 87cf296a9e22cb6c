#include "api/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace drover {
namespace {

using Labels = prometheus::Labels;

/// Metrics made for one answer: what they count is kept elsewhere.
class Page {
  public:
    void gauge(const std::string& name, const std::string& help, const Labels& labels, double value) {
        prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add(labels).Set(value);
    }
    void counter(const std::string& name, const std::string& help, const Labels& labels, long long value) {
        prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(labels).Increment(
            static_cast<double>(value));
    }
    [[nodiscard]] std::string text() const { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  private:
    // BuildGauge() of a name that is there already gives that family.
    prometheus::Registry registry_{prometheus::Registry::InsertBehavior::Merge};
};

Labels with(Labels labels, const std::string& state) {
    labels["state"] = state;
    return labels;
}

void add(Page& page, const PoolState& state) {
    const Pool& pool = state.pool;
    const Labels labels{
        {"image", pool.key.image}, {"profile", pool.key.profile}, {"kind", std::string(to_text(pool.key.kind))}};
    const auto count = [](long long number) { return static_cast<double>(number); };
    const auto* members = "Members of a pool by what they are";
    page.gauge("drover_pool_members", members, with(labels, "parked"), count(state.levels.parked));
    page.gauge("drover_pool_members", members, with(labels, "stopped"), count(state.levels.stopped));
    page.gauge("drover_pool_members", members, with(labels, "making"), count(state.levels.making));
    page.gauge("drover_pool_members", members, with(labels, "outdated"), count(state.levels.outdated));
    const auto* target = "How many members there are to be";
    page.gauge("drover_pool_target", target, with(labels, "parked"), count(state.parked_target));
    page.gauge("drover_pool_target", target, with(labels, "stopped"), count(pool.targets.stopped));
    page.gauge("drover_pool_refill_per_minute", "Members that the pool makes in a minute, at its pace", labels,
               state.per_minute);
    page.gauge("drover_pool_breaker_open", "1 while the pool rests after failures", labels, state.retry_in ? 1 : 0);
    page.counter("drover_pool_made_total", "Members that were made", labels, pool.made);
    page.counter("drover_pool_taken_total", "Members that were handed out", labels, pool.taken);
}

}  // namespace

std::string metrics_text(const std::vector<PoolState>& states) {
    Page page;
    for (const PoolState& state : states) add(page, state);
    return page.text();
}

}  // namespace drover
