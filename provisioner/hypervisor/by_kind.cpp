#include "hypervisor/by_kind.hpp"

#include <utility>

namespace drover {

DomainsByKind::DomainsByKind(std::unique_ptr<Domains> vms, std::unique_ptr<Domains> containers,
                             std::function<bool()> uses_containers)
    : vms_(std::move(vms)), containers_(std::move(containers)), uses_containers_(std::move(uses_containers)) {}

void DomainsByKind::define(const DomainSpec& spec) {
    note(spec.id, spec.kind);
    (spec.kind == Kind::container ? containers_ : vms_)->define(spec);
}

std::vector<DomainSeen> DomainsByKind::list() {
    auto all = vms_->list();
    for (const auto& domain : all) note(domain.id, Kind::vm);
    if (!uses_containers_()) return all;
    for (auto& domain : containers_->list()) {
        note(domain.id, Kind::container);
        all.push_back(std::move(domain));
    }
    return all;
}

void DomainsByKind::undefine(GuestId id) {
    of(id).undefine(id);
    kinds_.lock()->erase(id);
}

void DomainsByKind::watch(std::function<void(GuestId)> changed) {
    containers_->watch(changed);
    vms_->watch(std::move(changed));
}

bool DomainsByKind::probe_kvm(const std::string& kernel, const std::string& initrd) {
    return vms_->probe_kvm(kernel, initrd);
}

/// A guest that nothing is known of is looked for among the containers first; one of neither kind is as absent there as
/// here.
Domains& DomainsByKind::of(GuestId id) {
    {
        auto kinds = kinds_.lock();
        const auto known = kinds->find(id);
        if (known != kinds->end()) return known->second == Kind::container ? *containers_ : *vms_;
    }
    if (!uses_containers_()) return *vms_;
    const auto seen = containers_->look(id);
    if (!seen.defined && seen.run == Run::off) return *vms_;
    note(id, Kind::container);
    return *containers_;
}

void DomainsByKind::note(GuestId id, Kind kind) { (*kinds_.lock())[id] = kind; }

}  // namespace drover
