#include "herd/blueprints.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace drover {

DomainSpec Blueprints::of(const Guest& guest, const Make& make) const {
    DomainSpec spec = frame(guest, make);
    if (guest.kind == Kind::vm)
        add_disk(spec);
    else
        add_container(spec, guest);
    return spec;
}

DomainSpec Blueprints::tag(const Guest& guest, const Make& make) const {
    return {.instance = parts_.config.instance,
            .registry = parts_.registry.uuid(),
            .id = guest.id,
            .kind = guest.kind,
            .name = guest.name,
            .owner = guest.owner.value_or(""),
            .make = make};
}

DomainSpec Blueprints::frame(const Guest& guest, const Make& make) const {
    const Version version = parts_.roots.version(guest.image, make.version);
    DomainSpec spec = tag(guest, make);
    spec.memory = std::max(parts_.config.guest.memory, version.memory);
    spec.cpus = parts_.config.guest.cpus;
    spec.mac = mac_of(guest.id);
    spec.network = parts_.registry.networks().of(guest.network).title;
    if (!version.is_cloud()) spec.parameters = parameters(guest, make);
    if (guest.kind == Kind::vm) add_version(spec, guest, version);
    return spec;
}

/// What the guest's first program is told.
std::string Blueprints::parameters(const Guest& guest, const Make& make) const {
    const Profile& profile = parts_.overlays.profile(guest.profile);
    const auto services = service_parameter(profile.services);
    const auto keep = guest.keeps(make.overlay) ? " drover.keep=" + guest.keep : "";
    return fmt::format("{} droverd.version={}{}{}{}", kernel_parameters(profile), make.version,
                       services.empty() ? "" : " ", services, keep);
}

void Blueprints::add_version(DomainSpec& spec, const Guest& guest, const Version& version) const {
    spec.kernel = version.kernel;
    spec.initrd = version.initrd;
    spec.root = version.root;
    spec.parameters = version.parameters + " " + spec.parameters;
    if (version.is_cloud()) spec.seed = parts_.overlays.seed(guest.id);
    spec.kvm = parts_.accelerator.kvm(version);
    spec.user = parts_.qemu_user;
}

void Blueprints::add_disk(DomainSpec& spec) const {
    const Overlays::Place place = parts_.overlays.place(spec.id, spec.make.overlay);
    spec.overlay = place.overlay;
    spec.prototype = place.prototype;
}

void Blueprints::add_container(DomainSpec& spec, const Guest& guest) const {
    spec.first_uid = first_uid(guest);
    if (parts_.mounts == nullptr) return;
    const ContainerMounts::Place place = parts_.mounts->place(guest.id);
    spec.root = place.root;
    spec.overlay = place.overlay;
}

unsigned Blueprints::first_uid(const Guest& guest) const {
    const Network& network = parts_.registry.networks().of(guest.network);
    return first_uid_of(network.subnet, guest.address, static_cast<unsigned>(parts_.config.containers.first_uid),
                        network.users_before);
}

}  // namespace drover
