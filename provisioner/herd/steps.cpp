#include "herd/steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/host_key.hpp"
#include "model/failpoint.hpp"
#include "storage/archive.hpp"

namespace drover {
namespace {

using Clock = std::chrono::steady_clock;

/// More than a guest needs to be READY and to bring what it was told to its disk.
constexpr auto time_to_keep = std::chrono::minutes(10);

}  // namespace

control::Identity identity_of(const Guest& guest, const Network& network) {
    const auto address6 = network.address6(guest.address);
    return {.name = guest.name,
            .domain = network.domain,
            .owner = guest.owner.value_or(""),
            .address = fmt::format("{}/{}", to_text(guest.address), network.subnet.prefix),
            .gateway = to_text(network.gateway),
            .dns = to_text(network.dns),
            .mac = mac_of(guest.id),
            .machine_id = guest.machine_id,
            .address6 = address6 ? fmt::format("{}/{}", to_text(*address6), network.subnet6->prefix) : "",
            .gateway6 = address6 && network.gateway6 ? to_text(*network.gateway6) : "",
            .time = now().time_since_epoch().count()};
}

Done Steps::perform(Step step, const Guest& guest, const Watch& watch) {
    switch (step) {
        case Step::none: return {.after = guest};
        case Step::build: return build(guest);
        case Step::copy: return copy(guest);
        case Step::start: return start(guest);
        case Step::identify: return identify(guest, watch);
        case Step::park: return park(guest);
        case Step::adopt: return adopt(guest, watch);
        case Step::resume: return resume(guest);
        case Step::stop: return stop(guest);
        case Step::press: parts_.domains.press_power_button(guest.id); return {.after = guest};
        case Step::force: parts_.domains.force_off(guest.id); return {.after = guest, .look = true};
        case Step::retire: return retire(guest);
    }
    return {.after = guest};
}

/// A fresh overlay beside the old one, which goes when the domain is defined on the new one.
Done Steps::build(const Guest& guest) {
    Guest after = guest;
    after.have.overlay = guest.want.overlay;
    after.have.boot = 0;  // nothing ran on this one
    make_overlay(guest);
    failpoint("build.overlay");
    parts_.domains.define(blueprints_.of(after, {guest.want.version, after.have.overlay, after.have.boot}));
    failpoint("build.defined");
    parts_.overlays.drop_others(guest.id, after.have.overlay);
    after.phase = Phase::stopped;
    after.host_key.clear();
    return {.after = after};
}

/// The overlay that is wanted: from a copy, from the one before without most of it, or a fresh one.
void Steps::make_overlay(const Guest& guest) {
    const auto number = guest.want.overlay;
    const bool has_one = guest.phase != Phase::reserved;
    if (guest.source != 0) {
        const auto copy = parts_.registry.copies.get(guest.source);
        if (!copy) throw Error(ErrorKind::not_found, fmt::format("the copy {} is not there any more", guest.source));
        if (copy->file.empty())
            parts_.overlays.create_from(parts_.copies.file(copy->id), guest.id, number, guest.kind);
        else
            parts_.overlays.create_from_archive(copy->file, guest.id, number, guest.kind);
    } else if (has_one && guest.keeps(number)) {
        parts_.overlays.carry_over(guest.id, guest.have.overlay, number, guest.kind);
    } else if (guest.profile == cloud_profile) {
        const auto base = parts_.roots.version(guest.image, guest.want.version).disk;
        parts_.overlays.create_on(base, guest.id, number, parts_.config.guest.disk);
    } else {
        make_fresh_overlay(guest);
    }
}

/// On the disk of a template, where there is one to start it from.
void Steps::make_fresh_overlay(const Guest& guest) {
    Guest as_new = guest;
    as_new.have.boot = 0;
    const auto from = parts_.templates == nullptr ? nullptr : parts_.templates->find(as_new);
    if (from && !from->disk.empty())
        parts_.overlays.create_forked(guest.id, guest.want.overlay, from->disk);
    else
        parts_.overlays.create(guest.id, guest.want.overlay, guest.profile, parts_.config.guest.disk, guest.kind);
}

/// All that is owed of a guest that is off.
Done Steps::copy(const Guest& guest) {
    const std::unique_lock alone(copying_, std::try_to_lock);
    if (!alone) return {.after = guest, .later = true};
    Done done{.after = guest};
    const auto overlay = parts_.overlays.place(guest.id, guest.have.overlay, guest.kind).overlay;
    for (const Copy& copy : parts_.registry.copies.owed(guest.id))
        done.made.push_back({copy.id, copy_overlay(guest, copy, overlay)});
    done.after.copy = false;
    return done;
}

long long Steps::copy_overlay(const Guest& guest, const Copy& copy, const std::string& overlay) const {
    if (copy.file.empty()) return parts_.copies.make(copy.id, overlay);
    return write_archive({.name = guest.name,
                          .owner = guest.owner.value_or(""),
                          .image = guest.image,
                          .version = copy.version,
                          .profile = guest.profile,
                          .kind = guest.kind,
                          .copy = copy.id,
                          .registry = parts_.registry.uuid()},
                         overlay, copy.file);
}

/// READY under the registry's identity: it is ready. Anything else it said: tell it who it is.
Done Steps::identify(const Guest& guest, const Watch& watch) {
    if (watch.forkable) return renew(guest, watch);
    Guest after = guest;
    if (watch.voice(digest_of(guest, watch)) == Voice::ready) {
        if (auto offered = offered_.lock(); offered->contains(guest.id)) offered->at(guest.id).used = Clock::now();
        if (watch.domain.name != guest.name) make_known(guest);  // its adoption was cut short
        Done done;
        if (guest.started_by == "adopt")
            done.then = [this, guest] { parts_.domains.rename(blueprints_.tag(guest, guest.have), false); };
        after.phase = Phase::ready;
        after.keep.clear();  // what was to be left is what it has
        if (guest.good != guest.have.version) after.previous = std::exchange(after.good, guest.have.version);
        done.after = after;
        return done;
    }
    std::vector<control::FromDaemon> lines;
    // One that was READY since its HELLO has a host key, whatever that HELLO said.
    const bool may_lack_key = watch.hello && watch.ready.empty();
    if (may_lack_key && !give_host_key(after, watch.hello->host_key, lines)) return {.after = guest, .later = true};
    const std::string told = introduce(guest, std::move(lines));
    return {.after = after, .told = told, .later = told.empty()};
}

/// Tells it who it is, after `lines`. The digest of that; empty: it could not be told.
std::string Steps::introduce(const Guest& guest, std::vector<control::FromDaemon> lines) {
    if (!guest.owner) add_rehearsal(identity_for(guest), lines);
    const auto digest = add_introduction(guest, lines);
    return sessions_.send(guest.id, lines) ? digest : "";
}

/// The digest of what is told.
std::string Steps::add_introduction(const Guest& guest, std::vector<control::FromDaemon>& lines) {
    const control::Identity identity = identity_for(guest);
    const std::vector<std::string> keys = keys_of(guest);
    for (const std::string& key : keys) lines.emplace_back(control::Key{sessions_.next_number(), "authorized", key});
    add_identity(identity, lines);
    return control::digest_of(identity, keys);
}

std::vector<control::FromDaemon> Steps::introduction(const Guest& guest) {
    std::vector<control::FromDaemon> lines;
    add_introduction(guest, lines);
    return lines;
}

/// Another identity before, with a key that nobody has: to change from one to the next is what an adoption asks for,
/// and an emulator is slow at what it runs for the first time.
void Steps::add_rehearsal(control::Identity identity, std::vector<control::FromDaemon>& lines) {
    identity.name += "-rehearsal";
    const std::string key = control::make_host_key().public_line;
    lines.emplace_back(control::Key{sessions_.next_number(), "authorized", key});
    add_identity(identity, lines);
}

void Steps::add_identity(const control::Identity& identity, std::vector<control::FromDaemon>& lines) {
    if (!identity.address6.empty())
        lines.emplace_back(control::TellAddress6{sessions_.next_number(), identity.address6, identity.gateway6});
    lines.emplace_back(control::Introduce{sessions_.next_number(), identity});
}

/// It is READY under nobody's identity: all that an adoption needs has run once. Paused, it needs no background.
Done Steps::park(const Guest& guest) {
    Guest after = guest;
    parts_.domains.suspend(guest.id);
    failpoint("park.suspended");
    parts_.domains.set_background(guest.id, false);
    offered_.lock()->erase(guest.id);
    after.phase = Phase::parked;
    after.good = guest.have.version;
    return {.after = after, .look = true};
}

/// Lets it go on and tells it at once whose it is, where it said before that it can hear; else its next word asks for
/// that. While it takes that in, its name becomes known, and its domain's title follows.
Done Steps::adopt(const Guest& guest, const Watch& watch) {
    Guest after = guest;
    if (parts_.firewall != nullptr) parts_.firewall->sync(guest.id);
    parts_.domains.resume(guest.id);
    failpoint("adopt.resumed");
    Done done;
    if (!watch.ready.empty()) done.told = introduce(guest, {});
    failpoint("adopt.told");
    make_known(guest);
    after.phase = Phase::starting;
    after.started_by = "adopt";
    done.after = after;
    done.look = true;
    return done;
}

void Steps::make_known(const Guest& guest) {
    parts_.names.add(known_as(guest, parts_.registry.networks()));
    parts_.domains.rename(blueprints_.tag(guest, guest.have), true);
}

/// What paused it may do so again at once, as a full disk does: not more often than once a second.
Done Steps::resume(const Guest& guest) {
    parts_.domains.resume(guest.id);
    return {.after = guest, .look = true, .later = true};
}

/// The first rung: a word on the channel. A guest that cannot hear it meets the next rungs.
Done Steps::stop(const Guest& guest) {
    Guest after = guest;
    sessions_.send(guest.id, {control::Stop{sessions_.next_number()}});
    after.phase = Phase::stopping;
    return {.after = after};
}

Done Steps::retire(const Guest& guest) {
    if (parts_.may_go && !parts_.may_go(guest)) return {.after = guest, .later = true};
    sessions_.close(guest.id);
    offered_.lock()->erase(guest.id);
    remove_domain(guest.id);
    if (parts_.firewall != nullptr) parts_.firewall->sync(guest.id);
    parts_.names.remove(guest.address);
    failpoint("retire.unnamed");
    Done done{.after = guest};
    for (const Copy& copy : parts_.registry.copies.owed(guest.id)) keep_overlay(guest, copy, done.made);
    failpoint("retire.kept");
    parts_.overlays.remove(guest.id);
    failpoint("retire.emptied");
    if (parts_.consoles != nullptr) parts_.consoles->remove(guest.id);
    done.after.phase = Phase::gone;
    done.after.copy = false;
    return done;
}

/// What is owed of a guest that is being retired: its overlay itself is what is kept of it, so that comes last.
void Steps::keep_overlay(const Guest& guest, const Copy& copy, std::vector<MadeCopy>& made) const {
    if (copy.kind != CopyKind::retired) return;
    const auto overlay = parts_.overlays.path(guest.id, guest.have.overlay, guest.kind);
    if (const auto bytes = parts_.copies.take(copy.id, overlay); bytes > 0) made.push_back({copy.id, bytes});
}

/// A container gets its root and overlay for as long as it takes to start: from then on it has them.
void Steps::run_domain(const Guest& guest) {
    const auto start_it = [&] {
        failpoint("start.lent");
        parts_.domains.start(guest.id);
    };
    if (guest.kind == Kind::vm || parts_.mounts == nullptr) return start_it();
    const Version version = parts_.roots.version(guest.image, guest.want.version);
    const Overlays::Place place = parts_.overlays.place(guest.id, guest.have.overlay, guest.kind);
    const auto lease = parts_.mounts->lend(guest.id, version.root, place.overlay, blueprints_.first_uid(guest));
    start_it();
}

/// Somebody else's domain of its name is none of its own: it stays, and is nothing to wait for.
void Steps::remove_domain(GuestId id) {
    try {
        parts_.domains.force_off(id);
        failpoint("retire.off");
        parts_.domains.undefine(id);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::refused) throw;
    }
    failpoint("retire.undefined");
}

/// A guest without a host key gets one, made here because a slow guest would need seconds; the public part is in the
/// registry before the guest can use it. A guest that `has` one keeps it: the registry follows. False: the row was
/// changed meanwhile.
bool Steps::give_host_key(Guest& guest, const std::string& has, std::vector<control::FromDaemon>& lines) {
    const Guest before = guest;
    if (has.empty()) {
        const control::HostKey key = key_for(guest);
        guest.host_key = key.public_line;
        lines.emplace_back(control::Key{sessions_.next_number(), "host", key.seed});
    } else {
        guest.host_key = control::public_line(has);
        offered_.lock()->erase(guest.id);
    }
    if (guest.host_key == before.host_key) return true;
    if (!parts_.registry.guests.save(before, guest)) return false;
    failpoint("identify.key");
    ++guest.rev;
    return true;
}

/// The same again as long as the guest may not have it for good: for a HELLO that was said again before the first key
/// came in, and for a guest that was forced off before what it was told had reached its disk.
control::HostKey Steps::key_for(const Guest& guest) {
    const auto now = Clock::now();
    auto offered = offered_.lock();
    std::erase_if(*offered, [now](const auto& entry) { return now - entry.second.used > time_to_keep; });
    Offer& offer = (*offered)[guest.id];
    if (offer.key.public_line.empty() || offer.key.public_line != guest.host_key) offer.key = control::make_host_key();
    offer.used = now;
    return offer.key;
}

control::Identity Steps::identity_for(const Guest& guest) const {
    return identity_of(guest, parts_.registry.networks().of(guest.network));
}

std::vector<std::string> Steps::keys_of(const Guest& guest) {
    return guest.owner ? parts_.registry.owners.keys(*guest.owner) : std::vector<std::string>{};
}

std::string Steps::digest_of(const Guest& guest, const Watch& watch) {
    // Its network is not in the configuration any more: as it runs, it may go on.
    if (parts_.registry.networks().find(guest.network) == nullptr) return watch.ready;
    auto identity = identity_for(guest);
    const auto keys = keys_of(guest);
    auto digest = control::digest_of(identity, keys);
    if (identity.address6.empty() || watch.answered != digest) return digest;
    identity.address6.clear();
    const auto older = control::digest_of(identity, keys);
    return watch.ready == older ? older : digest;
}

}  // namespace drover
