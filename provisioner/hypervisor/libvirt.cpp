#include "hypervisor/libvirt.hpp"

#include <fmt/format.h>
#include <libvirt/virterror.h>

#include <array>
#include <set>

#include "hypervisor/channels.hpp"
#include "hypervisor/domain_xml.hpp"
#include "hypervisor/handles.hpp"
#include "hypervisor/kvm_probe.hpp"
#include "hypervisor/process_limit.hpp"
#include "model/sync.hpp"

namespace drover {
namespace {

using Ours = std::shared_ptr<const Ownership>;
using Uuid = std::array<char, VIR_UUID_STRING_BUFLEN>;

int press_button(virDomainPtr domain) { return virDomainShutdownFlags(domain, VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN); }

int send_sigterm(virDomainPtr domain) { return virDomainShutdownFlags(domain, VIR_DOMAIN_SHUTDOWN_SIGNAL); }

Error foreign(const std::string& name) {
    return {ErrorKind::refused, fmt::format("domain {} belongs to somebody else", name),
            fmt::format("see whose it is: virsh dumpxml {}; rename or remove it there", name)};
}

// Our domain of the guest; null when there is none.
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

// For deciding why a call failed. A domain that was never defined vanishes when it ends; one whose guest has switched
// itself off takes no calls any more, though its QEMU is still there for a moment.
Run run_now(virDomainPtr domain, const std::string& name) {
    int state = 0, reason = 0;
    if (virDomainGetState(domain, &state, &reason, 0) == 0)
        return state == VIR_DOMAIN_SHUTDOWN ? Run::off : run_of(state, reason);
    if (last_code() == VIR_ERR_NO_DOMAIN) return Run::off;
    throw last_error("look at domain " + name);
}

// One call that takes a running domain to `goal`. Where it fails, the domain may be there already: libvirt calls that
// an error, or it ended by itself meanwhile.
void act(Connection& connection, const Ours& ours, GuestId id, const char* doing, int (*action)(virDomainPtr),
         Run goal) {
    connection.call([=](virConnectPtr c) {
        const auto name = ours->domain_name(id);
        const auto domain = find(c, *ours, id);
        auto run = Run::off;
        if (domain) {
            if (action(domain.get()) == 0) return;
            const auto error = last_error(fmt::format("{} domain {}", doing, name));
            run = run_now(domain.get(), name);
            if (run != goal && run != Run::off) throw Error(error);
        }
        if (run != goal) throw not_running(name);
    });
}

DomainSeen seen_of(GuestId id, int state, int reason, bool defined) {
    DomainSeen seen;
    seen.id = id;
    seen.defined = defined;
    seen.run = run_of(state, reason);
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

// A domain that ends between two calls is looked at again; one that does so for ever does not exist.
DomainSeen look_at(virConnectPtr connection, const Ownership& ours, GuestId id) {
    const auto name = ours.domain_name(id);
    for (int attempt = 0; attempt < 10; ++attempt) {
        const auto domain = find(connection, ours, id);
        if (!domain) return {.id = id};
        int state = 0, reason = 0;
        const bool known = virDomainGetState(domain.get(), &state, &reason, 0) == 0;
        const int persistent = known ? virDomainIsPersistent(domain.get()) : -1;
        if (persistent < 0 && last_code() == VIR_ERR_NO_DOMAIN) continue;
        if (persistent < 0) throw last_error("look at domain " + name);
        auto seen = seen_of(id, state, reason, persistent == 1);
        const auto tagged = add_tag(seen, domain.get(), ours);
        if (tagged == Tagged::no) throw foreign(name);
        if (tagged == Tagged::yes) return seen;
    }
    throw last_error("look at domain " + name);
}

/// A domain of a list, in this state.
struct Stated {
    DomainHandle domain;
    int state = VIR_DOMAIN_NOSTATE, reason = 0;
};

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
    if (tagged == Tagged::changing) seen = look_at(connection, ours, seen.id);
    if (tagged == Tagged::no || (!seen.defined && seen.run == Run::off)) return std::nullopt;
    return seen;
}

// One question for the state of all.
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

// A question for each: the driver of containers has no other. One that is gone meanwhile is left out.
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

// What is not told with the states: which are defined, and each tag that is not known.
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

// What `read` finds in the XML of our running domain.
std::pair<DomainHandle, std::string> find_channel(virConnectPtr connection, const Ownership& ours, GuestId id,
                                                  std::optional<std::string> (*read)(const std::string& xml)) {
    const auto name = ours.domain_name(id);
    auto domain = find(connection, ours, id);
    if (!domain || run_now(domain.get(), name) == Run::off) throw not_running(name);
    const TextHandle xml(virDomainGetXMLDesc(domain.get(), 0));
    if (!xml) throw last_error("describe domain " + name);
    if (auto path = read(xml.get())) return {std::move(domain), *std::move(path)};
    if (run_now(domain.get(), name) == Run::off) throw not_running(name);
    throw Error(ErrorKind::failed, fmt::format("domain {} has no control channel", name),
                "it was defined by something else: force it off and start it again");
}

UniqueFd open_socket(virConnectPtr connection, const Ownership& ours, GuestId id, int /*most_processes*/) {
    return connect_channel(find_channel(connection, ours, id, read_channel_path).second);
}

// The guest begins when somebody speaks to it: its limit comes before. Looked at again afterwards, because a tty that was
// given back may be another guest's by now.
UniqueFd open_console(virConnectPtr connection, const Ownership& ours, GuestId id, int most_processes) {
    const auto name = ours.domain_name(id);
    const auto [domain, path] = find_channel(connection, ours, id, read_console_path);
    const auto controller = virDomainGetID(domain.get());
    limit_processes(static_cast<pid_t>(controller), name, most_processes);
    auto channel = open_terminal(path);
    const auto now = find(connection, ours, id);
    if (!now || virDomainGetID(now.get()) != controller) throw not_running(name);
    return channel;
}

}  // namespace

/// What is said differently to different drivers of libvirt.
struct LibvirtDomains::Driver {
    std::string (*to_xml)(const DomainSpec& spec);
    unsigned start, undefine;  ///< flags
    int (*press_button)(virDomainPtr domain);
    std::vector<Stated> (*states)(virConnectPtr connection);
    UniqueFd (*open_channel)(virConnectPtr connection, const Ownership& ours, GuestId id, int most_processes);
    void (*tidy_up)(const std::string& instance);    ///< what domains that run no more left behind
    void (*tidy_up_after)(const std::string& name);  ///< what this one left behind
};

namespace {
void no_trace(const std::string& /*name*/) {}
}  // namespace

// FORCE_BOOT: never from a saved state, which somebody else may have left.
const LibvirtDomains::Driver LibvirtDomains::qemu_driver{
    to_xml, VIR_DOMAIN_START_FORCE_BOOT,
    VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
        VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | VIR_DOMAIN_UNDEFINE_NVRAM,
    drover::press_button, states_at_once, open_socket, no_trace, no_trace};

// It knows no flags.
const LibvirtDomains::Driver LibvirtDomains::test_driver{
    test_xml, 0, 0, virDomainShutdown, states_at_once, open_socket, no_trace, no_trace};

const LibvirtDomains::Driver LibvirtDomains::container_driver{
    container_xml,        0,  0, send_sigterm, states_one_by_one, open_console,
    remove_process_limits, remove_process_limit};

const LibvirtDomains::Driver& LibvirtDomains::driver_of(const std::string& uri) {
    if (uri.starts_with("test")) return test_driver;
    return uri.starts_with("lxc") ? container_driver : qemu_driver;
}

/// Who wants to hear of changes; shared with the connection, which may outlive us. The lock is held while the listener
/// runs, so that it runs no more once it has been taken away.
struct LibvirtDomains::Watch {
    Synchronized<std::function<void(GuestId)>> changed;

    void tell(GuestId id) {
        auto listener = changed.lock();
        if (*listener) (*listener)(id);
    }
};

LibvirtDomains::LibvirtDomains(Connection& connection, std::string instance, std::string registry, int most_processes)
    : connection_(connection),
      driver_(driver_of(connection.uri())),
      most_processes_(most_processes),
      ours_(std::make_shared<Ownership>(Ownership{std::move(instance), std::move(registry)})),
      tags_(std::make_shared<KnownTags>()),
      watch_(std::make_shared<Watch>()) {
    connection_.watch([ours = ours_, tags = tags_, watch = watch_](virDomainPtr domain) {
        if (domain == nullptr) {
            tags->forget_all();  // a hypervisor that began anew numbers its runs from 1 again
            return watch->tell(0);
        }
        Uuid uuid{};
        virDomainGetUUIDString(domain, uuid.data());
        if (const auto id = ours->guest_of(virDomainGetName(domain), uuid.data())) watch->tell(*id);
    });
}

LibvirtDomains::~LibvirtDomains() { *watch_->changed.lock() = nullptr; }

// libvirt itself refuses a name that another UUID has, and ours is derived: no need to look first, which would cost
// more than the definition.
void LibvirtDomains::define(const DomainSpec& spec) {
    const auto xml = driver_.to_xml(spec);
    connection_.call([ours = ours_, tags = tags_, id = spec.id, xml](virConnectPtr c) {
        const DomainHandle domain(virDomainDefineXMLFlags(c, xml.c_str(), 0));
        tags->forget(id);
        if (domain) return;
        auto error = last_error("define domain " + ours->domain_name(id));
        find(c, *ours, id);  // throws when it is somebody else's
        throw Error(std::move(error));
    });
}

void LibvirtDomains::start(GuestId id) {
    connection_.call([ours = ours_, id, flags = driver_.start](virConnectPtr c) {
        const auto name = ours->domain_name(id);
        const auto domain = find(c, *ours, id);
        if (!domain) throw Error(ErrorKind::not_found, fmt::format("domain {} is not defined", name));
        if (virDomainCreateWithFlags(domain.get(), flags) == 0) return;
        const auto error = last_error("start domain " + name);
        if (run_now(domain.get(), name) == Run::off) throw Error(error);
    });
}

void LibvirtDomains::suspend(GuestId id) { act(connection_, ours_, id, "suspend", virDomainSuspend, Run::paused); }

void LibvirtDomains::resume(GuestId id) { act(connection_, ours_, id, "resume", virDomainResume, Run::running); }

void LibvirtDomains::press_power_button(GuestId id) {
    act(connection_, ours_, id, "press the power button of", driver_.press_button, Run::off);
}

void LibvirtDomains::force_off(GuestId id) { act(connection_, ours_, id, "force off", virDomainDestroy, Run::off); }

void LibvirtDomains::undefine(GuestId id) {
    connection_.call([ours = ours_, id, flags = driver_.undefine](virConnectPtr c) {
        const auto domain = find(c, *ours, id);
        if (!domain || virDomainIsPersistent(domain.get()) == 0) return;
        if (virDomainUndefineFlags(domain.get(), flags) == 0 || last_code() == VIR_ERR_NO_DOMAIN) return;
        throw last_error("undefine domain " + ours->domain_name(id));
    });
    driver_.tidy_up_after(ours_->domain_name(id));
}

std::vector<DomainSeen> LibvirtDomains::list() {
    driver_.tidy_up(ours_->instance);
    return connection_.call([ours = ours_, tags = tags_, states = driver_.states](virConnectPtr c) {
        return list_all(c, *ours, *tags, states(c));
    });
}

DomainSeen LibvirtDomains::look(GuestId id) {
    return connection_.call([ours = ours_, id](virConnectPtr c) { return look_at(c, *ours, id); });
}

UniqueFd LibvirtDomains::open_channel(GuestId id) {
    return connection_.call([ours = ours_, id, open = driver_.open_channel, most = most_processes_](virConnectPtr c) {
        return open(c, *ours, id, most);
    });
}

void LibvirtDomains::watch(std::function<void(GuestId)> changed) { *watch_->changed.lock() = std::move(changed); }

bool LibvirtDomains::probe_kvm(const std::string& kernel, const std::string& initrd) {
    return kvm_works(connection_, *ours_, probe_xml(*ours_, kernel, initrd, default_user()));
}

std::string LibvirtDomains::default_user() {
    const auto capabilities = connection_.call([](virConnectPtr c) -> std::string {
        const TextHandle text(virConnectGetCapabilities(c));
        if (!text) throw last_error("the hypervisor's capabilities");
        return text.get();
    });
    const auto user = read_user(capabilities);
    if (!user)
        throw Error(ErrorKind::failed, "the hypervisor does not say which user it runs vms as",
                    "look for the secmodel dac in: virsh capabilities");
    return *user;
}

}  // namespace drover
