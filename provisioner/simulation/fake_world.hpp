#pragma once
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/error.hpp"
#include "simulation/fake_domains.hpp"

/// What FakeDomains holds: no threads, no files, no locks. For this room only.
namespace drover {

/// What libvirt would know of a domain.
struct FakeDomain {
    std::optional<DomainSpec> defined, live;
    bool paused = false, powered_off_itself = false;
    int starts = 0, forks = 0;

    [[nodiscard]] bool exists() const { return defined || live; }
    [[nodiscard]] Run run() const { return !live ? Run::off : paused ? Run::paused : Run::running; }
};

/// Its file: what makes it ours, and what somebody who looks from outside wants to know.
nlohmann::json to_json(const FakeDomain& domain);
/// Back from its file.
FakeDomain fake_domain_of(const nlohmann::json& file);
/// As a hypervisor would tell of it; it must exist.
DomainSeen seen(GuestId id, const FakeDomain& domain);

/// All domains, whose they are, and how they behave.
struct FakeWorld {
    std::map<GuestId, FakeDomain> domains;
    std::map<GuestId, Behaviour> behaviours;
    std::set<GuestId> foreign, changed;
    Behaviour common;
    std::vector<GuestId> news;
    bool reachable = true, ending = false;
    std::string release = "1";

    /// Its own, or what is common to all.
    Behaviour& behaviour(GuestId id) {
        const auto own = behaviours.find(id);
        return own == behaviours.end() ? common : own->second;
    }
    /// Error{unavailable} out of reach, Error{refused} for somebody else's.
    void check(GuestId id) const {
        if (!reachable) throw Error(ErrorKind::unavailable, "the hypervisor is out of reach");
        if (foreign.contains(id))
            throw Error(ErrorKind::refused, fmt::format("domain {} belongs to somebody else", id));
    }
    /// Null when there is none: nobody leaves anything behind by asking.
    FakeDomain* find(GuestId id) {
        const auto found = domains.find(id);
        return found == domains.end() ? nullptr : &found->second;
    }
    /// Error{not_found} when it does not run.
    FakeDomain& running(GuestId id) {
        check(id);
        auto* domain = find(id);
        if (domain == nullptr || !domain->live)
            throw Error(ErrorKind::not_found, fmt::format("domain {} is not running", id));
        return *domain;
    }
    /// It has changed: its file follows, and listeners hear of it.
    void tell(GuestId id) {
        changed.insert(id);
        if (id > 0) news.push_back(id);  // templates are nobody's
    }
    /// It is off.
    void end(GuestId id, bool by_itself) {
        auto* domain = find(id);
        if (domain == nullptr || !domain->live) return;
        domain->live.reset();
        domain->paused = false;
        domain->powered_off_itself = by_itself;
        tell(id);
    }
};

}  // namespace drover
