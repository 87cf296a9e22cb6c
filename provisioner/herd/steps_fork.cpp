// The step `start`, and what it takes to start a guest from a template: docs/design/0018-fork.md.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "herd/cloud_seed.hpp"
#include "herd/steps.hpp"
#include "model/failpoint.hpp"

namespace drover {

/// From a template where there is one for it, else cold: the wanted version on the overlay it has.
Done Steps::start(const Guest& guest) {
    Guest after = guest;
    after.have.version = guest.want.version;
    after.have.boot = guest.want.boot;
    const auto from = template_for(guest);
    if (guest.profile == cloud_profile) parts_.overlays.put_seed(guest.id, seed_of(identity_for(guest)));
    renew_overlay(guest, from.get());
    if (parts_.consoles != nullptr) parts_.consoles->begin(guest.id, guest.name);
    const DomainSpec spec = blueprints_.of(after, after.have);
    if (parts_.firewall != nullptr) parts_.firewall->sync(guest.id);  // before it can send anything
    parts_.domains.define(spec);
    failpoint("start.defined");
    if (guest.owner) parts_.names.add(known_as(guest, parts_.registry.networks()));
    failpoint("start.named");
    after.started_by = from && fork(guest, spec, *from) ? "fork" : "cold";
    if (after.started_by == "cold") run_domain(guest);
    if (!guest.owner) parts_.domains.set_background(guest.id, true);
    after.phase = Phase::starting;
    return {.after = after, .look = true};
}

/// Null: it boots cold.
std::shared_ptr<const Template> Steps::template_for(const Guest& guest) {
    if (parts_.templates == nullptr) return nullptr;
    auto found = parts_.templates->find(guest);
    if (!found || parts_.overlays.is_fresh(guest.id, guest.have.overlay)) return found;
    spdlog::info("{} boots cold: its overlay was written to before", guest.name);
    return nullptr;
}

/// Puts the guest's overlay, while nobody has written to it, on what it starts with: the disk of its template, or its
/// profile's prototype.
void Steps::renew_overlay(const Guest& guest, const Template* from) {
    if (guest.kind != Kind::vm || guest.profile == cloud_profile || guest.have.boot != 0) return;
    const auto& disk = parts_.config.guest.disk;
    const bool on_disk = from != nullptr && !from->disk.empty();
    const auto base = on_disk ? from->disk : parts_.overlays.base(guest.profile, disk);
    const auto number = guest.have.overlay;
    if (parts_.overlays.place(guest.id, number).prototype == base || !parts_.overlays.is_fresh(guest.id, number))
        return;
    if (on_disk)
        parts_.overlays.create_forked(guest.id, number, base);
    else
        parts_.overlays.create(guest.id, number, guest.profile, disk);
}

/// False: it could not be forked, which was told; it is as if nobody had tried.
bool Steps::fork(const Guest& guest, const DomainSpec& spec, const Template& from) {
    try {
        parts_.forks->fork(spec, {from.memory(), from.state()});
        failpoint("start.forked");
        return true;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::unavailable) throw;
        parts_.templates->failed(guest, error.what());
    }
    renew_overlay(guest, nullptr);
    parts_.domains.define(blueprints_.of(guest, spec.make));
    return false;
}

/// RENEW, and all that comes after it in one go: a fork of a guest that was ready does that at once. One of an early
/// guest goes on booting first and says HELLO.
Done Steps::renew(const Guest& guest, const Watch& watch) {
    const auto& renew = *watch.renewal;
    Guest after = guest;
    std::vector<control::FromDaemon> lines{renew};
    if (parts_.roots.version(guest.image, guest.have.version).fork_point != "ready")
        return {.after = after, .later = !sessions_.send(guest.id, lines)};
    if (!give_host_key(after, "", lines)) return {.after = guest, .later = true};
    const std::string told = introduce(guest, std::move(lines));
    return {.after = after, .told = told, .later = told.empty()};
}

control::Renew Steps::renewal_of(GuestId id) { return new_renewal(sessions_.next_number(), mac_of(id)); }

}  // namespace drover
