#include "herd/accelerator.hpp"

#include <spdlog/spdlog.h>

namespace drover {

bool Accelerator::kvm(const Version& version) {
    const std::lock_guard lock(mutex_);
    if (const auto known = known_locked()) return *known;
    if (version.is_cloud()) return false;
    spdlog::info("accelerator: trying a guest under KVM");
    kvm_ = domains_.probe_kvm(version.kernel, version.initrd);
    registry_.set_note("accelerator", boot_id_ + (*kvm_ ? " kvm" : " tcg"));
    spdlog::info("accelerator: {}", *kvm_ ? "kvm" : "tcg, since a guest makes no progress under KVM here");
    return *kvm_;
}

std::string Accelerator::name() {
    const std::lock_guard lock(mutex_);
    const auto known = known_locked();
    return !known ? "unknown" : *known ? "kvm" : "tcg";
}

std::optional<bool> Accelerator::known_locked() {
    if (mode_ != "auto") return mode_ == "kvm";
    if (!kvm_) {
        const auto note = registry_.note("accelerator");
        if (note == boot_id_ + " kvm") kvm_ = true;
        if (note == boot_id_ + " tcg") kvm_ = false;
    }
    return kvm_;
}

}  // namespace drover
