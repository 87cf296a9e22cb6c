#include "registry/verbs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "model/profile.hpp"
#include "registry/copies.hpp"
#include "registry/versions.hpp"

namespace drover {
namespace {

Judged refused(std::string why) { return {.outcome = "refused", .reason = std::move(why)}; }

/// Whether the change is about what a guest has beside its own data.
bool needs_root(const Change& change) {
    return change.verb == Verb::upgrade || change.verb == Verb::rollback || !change.keep.empty();
}

/// The guest tried anew.
Guest cleared(Guest guest) {
    guest.fault.reset();
    guest.attempts = 0;
    return guest;
}

/// To get a further overlay, from a copy or a fresh one.
void begin_overlay(Guest& guest, CopyId source) {
    guest.want.overlay = std::max(guest.want.overlay, guest.have.overlay) + 1;
    guest.source = source;
    guest.keep.clear();
}

}  // namespace

Meaning::Meaning(const Transaction& transaction, const Caller& caller, const Change& change, const GuestRules& rules)
    : sql_(transaction.sql), now_(transaction.now), caller_(caller), change_(change), rules_(rules) {
    if (change.to) named_ = named_version(sql_, *change.to);
}

Judged Meaning::of(const Guest& guest) const {
    const Verb verb = change_.verb;
    if (!guest.owner && (verb != Verb::retire || !caller_.administrator)) return refused("belongs to a pool");
    if (guest.desired == Desired::gone && verb != Verb::retire && verb != Verb::recover)
        return refused("is being retired");
    if (guest.lease && *guest.lease <= now_ && (verb == Verb::start || verb == Verb::restart))
        return refused(fmt::format("was lent until {}: an administrator says drover lease {} --until ...",
                                   to_rfc3339(*guest.lease), guest.name));
    if (guest.profile == cloud_profile && needs_root(change_)) return refused(no_shared_root);
    std::string why;
    const auto version = version_for(guest, why);
    if (!version) return refused(why);
    if (is_there_already(guest, *version)) return {.outcome = "unchanged"};
    return changed(guest, *version);
}

/// The guest as the verb wants it, with this version.
Judged Meaning::changed(const Guest& guest, const std::string& version) const {
    Judged judged{.after = cleared(guest)};
    Guest& after = judged.after;
    switch (change_.verb) {
        case Verb::start: after.desired = Desired::ready; break;
        case Verb::stop: after.desired = Desired::stopped; break;
        case Verb::restart:
            after.desired = Desired::ready;
            ++after.want.boot;
            break;
        case Verb::rebuild:
            begin_overlay(after, 0);
            if (!change_.keep.empty())
                after.keep = fmt::format("{},{}", after.want.overlay, fmt::join(change_.keep, ","));
            break;
        case Verb::retire:
            after.desired = Desired::gone;
            if (change_.purge || rules_.retire_keep == Duration::zero() || guest.phase == Phase::reserved) break;
            judged.copy = {.kind = CopyKind::retired, .keep = rules_.retire_keep};
            break;
        case Verb::upgrade:
            after.want.version = version;
            if (change_.with_snapshot && version != guest.want.version) return copied(judged, CopyKind::snapshot);
            break;
        case Verb::rollback:
            after.want.version = version;
            if (change_.with_snapshot) return restored(judged, snapshot_of_version(sql_, guest.id, version));
            break;
        case Verb::snapshot: return copied(judged, CopyKind::snapshot);
        case Verb::backup: return copied(judged, CopyKind::backup);
        case Verb::exporting: return copied(judged, CopyKind::exported);
        case Verb::restore: return restored(judged, copy_to_restore(sql_, guest.id, change_.copy));
        case Verb::recover: return recovered(judged);
    }
    return judged;
}

Judged Meaning::copied(Judged judged, CopyKind kind) const {
    const Guest& guest = judged.after;
    if (!change_.copy.empty() && has_copy(sql_, guest.id, change_.copy))
        return refused(fmt::format("has a copy '{}' already", change_.copy));
    if (kind == CopyKind::snapshot && count_copies(sql_, guest.id, kind) >= rules_.snapshots)
        return refused(fmt::format("has {} snapshots, no more are allowed: drover copies remove {} COPY",
                                   rules_.snapshots, guest.name));
    judged.after.copy = true;
    judged.copy = {
        .kind = kind, .name = change_.copy, .file = kind == CopyKind::backup ? rules_.backups : change_.file};
    return judged;
}

Judged Meaning::restored(Judged judged, const std::optional<Copy>& copy) const {
    if (!copy) {
        return refused(change_.copy.empty() ? "has no copy to go back to"
                                            : fmt::format("has no copy '{}'", change_.copy));
    }
    if (!copy->made) return refused(fmt::format("its copy '{}' is not made yet", copy->name));
    begin_overlay(judged.after, copy->id);
    return judged;
}

/// A retired guest with what was kept of it, under its name and a further address.
Judged Meaning::recovered(Judged judged) const {
    const auto copy = retired_copy(sql_, judged.after.id);
    if (!copy) return refused("nothing of it is kept any more");
    Guest& after = judged.after;
    begin_overlay(after, copy->id);
    after.desired = Desired::ready;
    const auto usable = [&](const std::string& version) { return is_version(sql_, after.image, version); };
    const bool is_cloud = after.profile == cloud_profile;  // its disk is on that version and no other
    after.want.version =
        usable(copy->version) || is_cloud ? copy->version : promoted_version(sql_, after.image).value_or("");
    if (after.want.version.empty()) return refused(fmt::format("there is no version of its image '{}'", after.image));
    if (!usable(after.good)) after.good.clear();
    return judged;
}

std::optional<std::string> Meaning::version_for(const Guest& guest, std::string& why) const {
    if (change_.verb == Verb::rollback) {
        // In the middle of an upgrade it goes back to what it is good for, else to what it was good for before.
        const bool under_way = !guest.good.empty() && guest.want.version != guest.good;
        const auto& before = under_way ? guest.good : guest.previous;
        if (is_version(sql_, guest.image, before)) return before;
        why = "was ready with no other version that there is";
        return std::nullopt;
    }
    if (change_.verb != Verb::upgrade) return guest.want.version;
    if (!named_) return promoted_version(sql_, guest.image).value_or(guest.want.version);
    if (named_->image == guest.image) return named_->digest;
    why = fmt::format("is of image '{}', the version of '{}'", guest.image, named_->image);
    return std::nullopt;
}

bool Meaning::is_there_already(const Guest& guest, const std::string& version) const {
    if (guest.fault) return false;  // any verb tries anew
    switch (change_.verb) {
        case Verb::start: return guest.desired == Desired::ready && guest.settled();
        case Verb::stop: return guest.desired == Desired::stopped && guest.phase == Phase::stopped;
        case Verb::retire: return guest.desired == Desired::gone;
        case Verb::upgrade:
        case Verb::rollback: return guest.want.version == version && guest.settled();
        default: return false;
    }
}

}  // namespace drover
