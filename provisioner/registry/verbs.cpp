#include "registry/verbs.hpp"

#include <fmt/format.h>

#include "registry/versions.hpp"

namespace drover {
namespace {

/// The guest as the verb wants it, with this version.
Guest changed(Guest guest, Verb verb, const std::string& version) {
    switch (verb) {
        case Verb::start: guest.desired = Desired::ready; break;
        case Verb::stop: guest.desired = Desired::stopped; break;
        case Verb::restart:
            guest.desired = Desired::ready;
            ++guest.want.boot;
            break;
        case Verb::rebuild: ++guest.want.overlay; break;
        case Verb::retire: guest.desired = Desired::gone; break;
        case Verb::upgrade:
        case Verb::rollback: guest.want.version = version; break;
    }
    guest.fault.reset();
    guest.attempts = 0;
    return guest;
}

}  // namespace

Meaning::Meaning(soci::session& sql, const Caller& caller, const Change& change)
    : sql_(sql), caller_(caller), verb_(change.verb) {
    if (change.to) named_ = named_version(sql, *change.to);
}

Judged Meaning::of(const Guest& guest) const {
    if (!guest.owner && (verb_ != Verb::retire || !caller_.administrator)) return {"refused", "belongs to a pool"};
    if (guest.desired == Desired::gone && verb_ != Verb::retire) return {"refused", "is being retired"};
    std::string why;
    const auto version = version_for(guest, why);
    if (!version) return {"refused", why};
    if (is_there_already(guest, *version)) return {"unchanged"};
    return {.after = changed(guest, verb_, *version)};
}

std::optional<std::string> Meaning::version_for(const Guest& guest, std::string& why) const {
    if (verb_ == Verb::rollback) {
        // In the middle of an upgrade it goes back to what it is good for, else to what it was good for before.
        const bool under_way = !guest.good.empty() && guest.want.version != guest.good;
        const auto& before = under_way ? guest.good : guest.previous;
        if (is_version(sql_, guest.image, before)) return before;
        why = "was ready with no other version that there is";
        return std::nullopt;
    }
    if (verb_ != Verb::upgrade) return guest.want.version;
    if (!named_) return promoted_version(sql_, guest.image).value_or(guest.want.version);
    if (named_->image == guest.image) return named_->digest;
    why = fmt::format("is of image '{}', the version of '{}'", guest.image, named_->image);
    return std::nullopt;
}

bool Meaning::is_there_already(const Guest& guest, const std::string& version) const {
    if (guest.fault) return false;  // any verb tries anew
    switch (verb_) {
        case Verb::start: return guest.desired == Desired::ready && guest.settled();
        case Verb::stop: return guest.desired == Desired::stopped && guest.phase == Phase::stopped;
        case Verb::retire: return guest.desired == Desired::gone;
        case Verb::upgrade:
        case Verb::rollback: return guest.want.version == version && guest.settled();
        case Verb::restart:
        case Verb::rebuild: return false;
    }
    return false;
}

}  // namespace drover
