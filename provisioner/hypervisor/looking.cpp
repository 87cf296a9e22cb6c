#include "hypervisor/looking.hpp"

#include <fmt/format.h>
#include <libvirt/virterror.h>

#include <optional>
#include <set>
#include <utility>

#include "hypervisor/connection.hpp"
#include "hypervisor/domain_xml.hpp"

namespace drover {
namespace {

Error foreign(const std::string& name) {
    return {ErrorKind::refused, fmt::format("domain {} belongs to somebody else", name),
            fmt::format("see whose it is: virsh dumpxml {}; rename or remove it there", name)};
}

}  // namespace

DomainHandle find(virConnectPtr connection, const Ownership& ours, GuestId id) {
    const auto name = ours.domain_name(id);
    DomainHandle domain(virDomainLookupByUUIDString(connection, ours.domain_uuid(id).c_str()));
    if (domain) return domain;
    if (last_code() != VIR_ERR_NO_DOMAIN) throw last_error("look up domain " + name);
    const DomainHandle namesake(virDomainLookupByName(connection, name.c_str()));
    if (namesake) throw foreign(name);
    if (last_code() != VIR_ERR_NO_DOMAIN) throw last_error("look up domain " + name);
    return nullptr;
}

Error not_running(const std::string& name) {
    return {ErrorKind::not_found, fmt::format("domain {} is not running", name)};
}

namespace {

// What libvirt calls a state, as a guest's. A domain that is only being set up has nothing to say yet.
Run run_of(int state, int reason) {
    switch (state) {
        case VIR_DOMAIN_PAUSED: return reason == VIR_DOMAIN_PAUSED_STARTING_UP ? Run::unknown : Run::paused;
        case VIR_DOMAIN_RUNNING:
        case VIR_DOMAIN_BLOCKED:
        case VIR_DOMAIN_SHUTDOWN:
        case VIR_DOMAIN_PMSUSPENDED: return Run::running;
        case VIR_DOMAIN_SHUTOFF:
        case VIR_DOMAIN_CRASHED: return Run::off;
        default: return Run::unknown;
    }
}

}  // namespace

Run run_now(virDomainPtr domain, const std::string& name) {
    int state = 0, reason = 0;
    if (virDomainGetState(domain, &state, &reason, 0) == 0)
        return state == VIR_DOMAIN_SHUTDOWN ? Run::off : run_of(state, reason);
    if (last_code() == VIR_ERR_NO_DOMAIN) return Run::off;
    throw last_error("look at domain " + name);
}

namespace {

DomainSeen seen_of(GuestId id, int state, int reason, bool defined) {
    DomainSeen seen;
    seen.id = id;
    seen.defined = defined;
    seen.run = run_of(state, reason);
    seen.starting_up = state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_STARTING_UP;
    seen.powered_off_itself = state == VIR_DOMAIN_SHUTOFF && reason == VIR_DOMAIN_SHUTOFF_SHUTDOWN;
    return seen;
}

enum class Tagged { yes, no, changing };

// Completes `seen` from the tag of the running, else of the defined domain; `changing` when it is neither any more.
Tagged add_tag(DomainSeen& seen, virDomainPtr domain, const Ownership& ours) {
    const auto which = seen.run == Run::off ? VIR_DOMAIN_AFFECT_CONFIG : VIR_DOMAIN_AFFECT_LIVE;
    const TextHandle text(virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, tag_namespace, which));
    if (!text) return last_code() == VIR_ERR_NO_DOMAIN_METADATA ? Tagged::no : Tagged::changing;
    const auto tag = read_tag(text.get());
    if (!tag || tag->registry != ours.registry || tag->id != seen.id) return Tagged::no;
    seen.live = tag->make;
    seen.name = tag->name;
    return Tagged::yes;
}

}  // namespace

Look look_at(virConnectPtr connection, const Ownership& ours, GuestId id) {
    const auto name = ours.domain_name(id);
    for (int attempt = 0; attempt < 10; ++attempt) {
        auto domain = find(connection, ours, id);
        if (!domain) return {{.id = id}, nullptr};
        int state = 0, reason = 0;
        const bool known = virDomainGetState(domain.get(), &state, &reason, 0) == 0;
        const int persistent = known ? virDomainIsPersistent(domain.get()) : -1;
        if (persistent < 0 && last_code() == VIR_ERR_NO_DOMAIN) continue;
        if (persistent < 0) throw last_error("look at domain " + name);
        auto seen = seen_of(id, state, reason, persistent == 1);
        const auto tagged = add_tag(seen, domain.get(), ours);
        if (tagged == Tagged::no) throw foreign(name);
        if (tagged == Tagged::yes) return {std::move(seen), std::move(domain)};
    }
    throw last_error("look at domain " + name);
}

namespace {

struct FreeRecords {
    void operator()(virDomainStatsRecordPtr* records) const { virDomainStatsRecordListFree(records); }
};

// State and reason of a record of virConnectGetAllDomainStats.
std::pair<int, int> state_of(const virDomainStatsRecord& record) {
    int state = VIR_DOMAIN_NOSTATE, reason = 0;
    virTypedParamsGetInt(record.params, record.nparams, "state.state", &state);
    virTypedParamsGetInt(record.params, record.nparams, "state.reason", &reason);
    return {state, reason};
}

std::string uuid_of(virDomainPtr domain) {
    Uuid uuid{};
    if (virDomainGetUUIDString(domain, uuid.data()) < 0) throw last_error("a domain's UUID");
    return uuid.data();
}

std::set<std::string> persistent_uuids(virConnectPtr connection) {
    virDomainPtr* found = nullptr;
    const int count = virConnectListAllDomains(connection, &found, VIR_CONNECT_LIST_DOMAINS_PERSISTENT);
    if (count < 0) throw last_error("list domains");
    const ArrayHandle<virDomainPtr> domains(found);
    std::set<std::string> uuids;
    for (int i = 0; i < count; ++i) {
        const DomainHandle domain(domains[i]);
        uuids.insert(uuid_of(domain.get()));
    }
    return uuids;
}

// A domain of the list, with its tag as it is known or else as it is; nothing when it is not ours or is gone.
std::optional<DomainSeen> complete(DomainSeen seen, virDomainPtr domain, virConnectPtr connection,
                                   const Ownership& ours, const KnownTags::Table& known) {
    if (complete_from(known, seen, KnownTags::run_of(domain))) return seen;
    const auto tagged = add_tag(seen, domain, ours);
    if (tagged == Tagged::changing) seen = look_at(connection, ours, seen.id).seen;
    if (tagged == Tagged::no || (!seen.defined && seen.run == Run::off)) return std::nullopt;
    return seen;
}

}  // namespace

std::vector<Stated> states_at_once(virConnectPtr connection) {
    virDomainStatsRecordPtr* found = nullptr;
    const int count = virConnectGetAllDomainStats(connection, VIR_DOMAIN_STATS_STATE, &found, 0);
    if (count < 0) throw last_error("list domains");
    const std::unique_ptr<virDomainStatsRecordPtr, FreeRecords> records(found);
    std::vector<Stated> all;
    for (int i = 0; i < count; ++i) {
        virDomainRef(found[i]->dom);
        const auto [state, reason] = state_of(*found[i]);
        all.push_back({DomainHandle(found[i]->dom), state, reason});
    }
    return all;
}

std::vector<Stated> states_one_by_one(virConnectPtr connection) {
    virDomainPtr* found = nullptr;
    const int count = virConnectListAllDomains(connection, &found, 0);
    if (count < 0) throw last_error("list domains");
    const ArrayHandle<virDomainPtr> domains(found);
    std::vector<Stated> all;
    for (int i = 0; i < count; ++i) {
        Stated one{DomainHandle(domains[i])};
        if (virDomainGetState(one.domain.get(), &one.state, &one.reason, 0) == 0) all.push_back(std::move(one));
    }
    return all;
}

std::vector<DomainSeen> list_all(virConnectPtr connection, const Ownership& ours, KnownTags& tags,
                                 const std::vector<Stated>& states) {
    const auto defined = persistent_uuids(connection);
    const auto known = tags.table();
    KnownTags::Table found_now{.tags = {}, .changes = known.changes};
    std::vector<DomainSeen> all;
    for (const auto& [domain, state, reason] : states) {
        const auto uuid = uuid_of(domain.get());
        const auto id = ours.guest_of(virDomainGetName(domain.get()), uuid);
        if (!id) continue;
        auto seen =
            complete(seen_of(*id, state, reason, defined.contains(uuid)), domain.get(), connection, ours, known);
        if (!seen) continue;
        found_now.tags[*id] = {KnownTags::run_of(domain.get()), seen->live, seen->name};
        all.push_back(std::move(*seen));
    }
    tags.keep(std::move(found_now));
    return all;
}

}  // namespace drover
