#include "fsck/fsck.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "fsck/checks.hpp"
#include "fsck/mender.hpp"

namespace drover {
namespace {

using namespace fsck;

/// What the second look suspects as the first did.
Suspicions standing(const Suspicions& first, Suspicions second) {
    std::erase_if(second, [&](const Suspicion& now) {
        return std::none_of(first.begin(), first.end(), [&](const Suspicion& then) { return now.is_same_as(then); });
    });
    return second;
}

}  // namespace

Fsck::Fsck(Config config) : Fsck(std::move(config), Tools{}) {}

Fsck::Fsck(Config config, Tools tools) : config_(std::move(config)), tools_(std::move(tools)) {}

std::vector<Finding> Fsck::run(bool repair) const {
    RegistryReader registry(config_.state + "/registry.db");
    const auto& host = config_.hosts.front();
    const Hypervisors hypervisors{{tools_.virsh, host.vm_uri}, {tools_.virsh, host.container_uri}};

    auto sight = look(config_, tools_, registry, hypervisors);
    auto suspicions = check_all(sight);
    if (!suspicions.empty()) {
        // What a step leaves half-done for a moment is over then; what is wrong stays.
        std::this_thread::sleep_for(tools_.pause);
        sight = look(config_, tools_, registry, hypervisors);
        suspicions = standing(suspicions, check_all(sight));
    }

    for (auto& suspicion : damaged_roots(sight)) suspicions.push_back(std::move(suspicion));

    Mender mender(sight, tools_, registry, hypervisors);
    std::vector<Finding> findings;
    for (auto& [finding, mend, rows] : suspicions) {
        if (repair) finding.repair = mender.carry_out(mend);
        findings.push_back(std::move(finding));
    }
    return findings;
}

}  // namespace drover
