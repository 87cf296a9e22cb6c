#include "hypervisor/libvirt.hpp"

#include <fmt/format.h>
#include <libvirt/virterror.h>

#include <array>
#include <map>
#include <thread>

#include "hypervisor/channels.hpp"
#include "hypervisor/domain_xml.hpp"
#include "hypervisor/fates.hpp"
#include "hypervisor/handles.hpp"
#include "hypervisor/kvm_probe.hpp"
#include "hypervisor/looking.hpp"
#include "hypervisor/lost_container.hpp"
#include "hypervisor/process_limit.hpp"
#include "model/sync.hpp"

namespace drover {
namespace {

using namespace std::chrono_literals;

using Ours = std::shared_ptr<const Ownership>;

int press_button(virDomainPtr domain) { return virDomainShutdownFlags(domain, VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN); }

// A container that libvirt lost touch with has no process that libvirt knows of: the controller's number is left.
int send_sigterm(virDomainPtr domain) {
    if (virDomainShutdownFlags(domain, VIR_DOMAIN_SHUTDOWN_SIGNAL) == 0) return 0;
    if (last_code() != VIR_ERR_OPERATION_INVALID) return -1;
    const auto controller = static_cast<int>(virDomainGetID(domain));
    if (controller <= 0) return -1;
    terminate_children(controller);
    return 0;
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

// As it was when the handle was got: who runs has a number.
bool is_active(const DomainHandle& domain) { return static_cast<int>(virDomainGetID(domain.get())) > 0; }

using ReadPath = std::optional<std::string>(const std::string& xml);

// What `read` finds in the XML of our running domain.
std::pair<DomainHandle, std::string> find_channel(virConnectPtr connection, const Ownership& ours, GuestId id,
                                                  ReadPath* read, const char* what = "control channel") {
    const auto name = ours.domain_name(id);
    auto domain = find(connection, ours, id);
    if (!domain || !is_active(domain)) throw not_running(name);
    const TextHandle xml(virDomainGetXMLDesc(domain.get(), 0));
    if (!xml) throw last_error("describe domain " + name);
    if (auto path = read(xml.get())) return {std::move(domain), *std::move(path)};
    if (run_now(domain.get(), name) == Run::off) throw not_running(name);
    throw Error(ErrorKind::failed, fmt::format("domain {} has no {}", name, what),
                "it was defined by something else: force it off and start it again");
}

// libvirt knows again that it is frozen; nobody else's is touched.
void suspend_again(virDomainPtr domain, const Ownership& ours, std::vector<DomainSeen>& all) {
    Uuid uuid{};
    virDomainGetUUIDString(domain, uuid.data());
    const auto id = ours.guest_of(virDomainGetName(domain), uuid.data());
    for (DomainSeen& seen : all)
        if (seen.id == id && virDomainSuspend(domain) == 0) seen.run = Run::paused;
}

UniqueFd open_socket(virConnectPtr connection, const Ownership& ours, GuestId id, int /*most_processes*/) {
    return connect_channel(find_channel(connection, ours, id, read_channel_path).second);
}

// Looked at again afterwards: a tty that was given back may be another guest's by now.
UniqueFd open_tty_of(virConnectPtr connection, const Ownership& ours, GuestId id,
                     const std::pair<DomainHandle, std::string>& found) {
    auto tty = open_terminal(found.second);
    const auto now = find(connection, ours, id);
    if (!now || virDomainGetID(now.get()) != virDomainGetID(found.first.get())) throw not_running(ours.domain_name(id));
    return tty;
}

// The guest begins when somebody speaks to it: its limit comes before.
UniqueFd open_second_tty(virConnectPtr connection, const Ownership& ours, GuestId id, int most_processes) {
    const auto found = find_channel(connection, ours, id, read_second_tty_path);
    limit_processes(static_cast<pid_t>(virDomainGetID(found.first.get())), ours.domain_name(id), most_processes);
    return open_tty_of(connection, ours, id, found);
}

}  // namespace

/// What is said differently to different drivers of libvirt.
struct LibvirtDomains::Driver {
    std::string (*to_xml)(const DomainSpec& spec);
    unsigned start, undefine;  ///< flags
    int (*press_button)(virDomainPtr domain);
    std::vector<Stated> (*states)(virConnectPtr connection);
    UniqueFd (*open_channel)(virConnectPtr connection, const Ownership& ours, GuestId id, int most_processes);
    ReadPath* console_path;                          ///< of a domain's XML; null: there are no consoles
    bool (*in_touch)(virDomainPtr domain);           ///< with one that was just started; null: libvirt always is
    bool (*ended_unnoticed)(virDomainPtr domain);    ///< null: libvirt notices
    bool (*is_frozen)(virDomainPtr domain);          ///< though libvirt calls it running; null: libvirt knows
    void (*tidy_up)(const std::string& instance);    ///< what domains that run no more left behind
    void (*tidy_up_after)(const std::string& name);  ///< what this one left behind
};

namespace {
void no_trace(const std::string& /*name*/) {}
}  // namespace

// FORCE_BOOT: never from a saved state, which somebody else may have left.
const LibvirtDomains::Driver LibvirtDomains::qemu_driver{
    to_xml,
    VIR_DOMAIN_START_FORCE_BOOT,
    VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
        VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | VIR_DOMAIN_UNDEFINE_NVRAM,
    drover::press_button,
    states_at_once,
    open_socket,
    read_serial_path,
    nullptr,
    nullptr,
    nullptr,
    no_trace,
    no_trace};

// It knows no flags.
const LibvirtDomains::Driver LibvirtDomains::test_driver{test_xml,       0,           0,        virDomainShutdown,
                                                         states_at_once, open_socket, nullptr,  nullptr,
                                                         nullptr,        nullptr,     no_trace, no_trace};

const LibvirtDomains::Driver LibvirtDomains::container_driver{container_xml,
                                                              0,
                                                              0,
                                                              send_sigterm,
                                                              states_one_by_one,
                                                              open_second_tty,
                                                              read_first_tty_path,
                                                              drover::in_touch,
                                                              drover::ended_unnoticed,
                                                              drover::is_frozen,
                                                              remove_process_limits,
                                                              remove_process_limit};

const LibvirtDomains::Driver& LibvirtDomains::driver_of(const std::string& uri) {
    if (uri.starts_with("test")) return test_driver;
    return uri.starts_with("lxc") ? container_driver : qemu_driver;
}

/// Who wants to hear of changes; shared with the connection, which may outlive us. The lock is held while the listener
/// runs, so that it runs no more once it has been taken away.
struct LibvirtDomains::Watch {
    Synchronized<std::function<void(GuestId)>> changed;
    Fates fates;

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
    connection_.watch([ours = ours_, tags = tags_, watch = watch_](virDomainPtr domain, DomainEvent event) {
        if (domain == nullptr) {
            watch->fates.forget_all();
            tags->forget_all();  // a hypervisor that began anew numbers its runs from 1 again
            return watch->tell(0);
        }
        Uuid uuid{};
        virDomainGetUUIDString(domain, uuid.data());
        const auto id = ours->guest_of(virDomainGetName(domain), uuid.data());
        if (!id) return;
        watch->fates.note(*id, event);
        watch->tell(*id);
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

// A domain whose end libvirt would not notice is ended before anything in it has begun, and started again.
void LibvirtDomains::start(GuestId id) {
    connection_.call([ours = ours_, id, &driver = driver_](virConnectPtr c) {
        const auto name = ours->domain_name(id);
        const auto domain = find(c, *ours, id);
        if (!domain) throw Error(ErrorKind::not_found, fmt::format("domain {} is not defined", name));
        for (int tries = 3; tries > 0; --tries) {
            if (virDomainCreateWithFlags(domain.get(), driver.start) < 0) {
                const auto error = last_error("start domain " + name);
                if (run_now(domain.get(), name) == Run::off) throw Error(error);
                return;
            }
            if (driver.in_touch == nullptr || driver.in_touch(domain.get())) return;
            if (virDomainDestroy(domain.get()) < 0) throw last_error("end domain " + name);
        }
        throw Error(ErrorKind::failed,
                    fmt::format("libvirt lost touch with domain {} each time that it started it", name));
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

void LibvirtDomains::rename(const DomainSpec& spec, bool live) {
    connection_.call([ours = ours_, tags = tags_, spec, live](virConnectPtr c) {
        const auto name = ours->domain_name(spec.id);
        const auto domain = find(c, *ours, spec.id);
        if (!domain) throw Error(ErrorKind::not_found, fmt::format("there is no domain {}", name));
        const unsigned which = live ? VIR_DOMAIN_AFFECT_LIVE : VIR_DOMAIN_AFFECT_CONFIG;
        const auto set = [&](int what, const std::string& text, const char* key, const char* uri) {
            if (virDomainSetMetadata(domain.get(), what, text.c_str(), key, uri, which) < 0)
                throw last_error("rename domain " + name);
        };
        tags->forget(spec.id);
        set(VIR_DOMAIN_METADATA_TITLE, spec.name, nullptr, nullptr);
        set(VIR_DOMAIN_METADATA_ELEMENT, tag_xml(spec), "drover", tag_namespace);
    });
}

// Its weight among others of its sort, an eighth of theirs: with much less it would starve, and be given up, where many
// are busy. Where libvirt has no say over processors (no cgroups), it is as any other.
void LibvirtDomains::set_background(GuestId id, bool background) {
    constexpr unsigned long long ordinary = 1024, ordinary_in_one_tree = 100, part = 8;
    connection_.call([ours = ours_, id, background](virConnectPtr c) {
        const auto domain = find(c, *ours, id);
        if (!domain) return;
        const auto usual = has_one_cgroup_tree() ? ordinary_in_one_tree : ordinary;
        virTypedParameterPtr weight = nullptr;
        int count = 0, room = 0;
        virTypedParamsAddULLong(&weight, &count, &room, VIR_DOMAIN_SCHEDULER_CPU_SHARES,
                                background ? usual / part : usual);
        virDomainSetSchedulerParametersFlags(domain.get(), weight, count, VIR_DOMAIN_AFFECT_LIVE);
        virTypedParamsFree(weight, count);
    });
}

std::vector<DomainSeen> LibvirtDomains::list() {
    driver_.tidy_up(ours_->instance);
    auto all = connection_.call([ours = ours_, tags = tags_, &driver = driver_](virConnectPtr c) {
        const auto states = driver.states(c);
        auto seen = list_all(c, *ours, *tags, states);
        for (const auto& stated : states)
            if (driver.is_frozen != nullptr && stated.state == VIR_DOMAIN_RUNNING &&
                driver.is_frozen(stated.domain.get()))
                suspend_again(stated.domain.get(), *ours, seen);
        return seen;
    });
    if (driver_.ended_unnoticed != nullptr)
        for (auto& seen : all)
            if (!watch_->fates.complete(seen)) seen = look(seen.id);
    return all;
}

DomainSeen LibvirtDomains::look(GuestId id) {
    if (driver_.ended_unnoticed != nullptr) return look_for_fate(id);
    return connection_.call([ours = ours_, id](virConnectPtr c) { return look_at(c, *ours, id).seen; });
}

std::optional<double> LibvirtDomains::cpu_seconds(GuestId id) {
    return connection_.call([ours = ours_, id](virConnectPtr c) -> std::optional<double> {
        const auto domain = find(c, *ours, id);
        virDomainInfo info{};
        if (!domain || !is_active(domain) || virDomainGetInfo(domain.get(), &info) < 0) return std::nullopt;
        return static_cast<double>(info.cpuTime) / 1e9;  // nanoseconds
    });
}

// libvirt notices an end within milliseconds or never, and tells why it came some milliseconds after that it did.
DomainSeen LibvirtDomains::look_for_fate(GuestId id) {
    using Clock = std::chrono::steady_clock;
    for (const auto until = Clock::now() + 1s;; std::this_thread::sleep_for(10ms)) {
        const bool late = Clock::now() >= until;
        auto [seen, unnoticed] = connection_.call([ours = ours_, id, &driver = driver_](auto* c) {
            auto look = look_at(c, *ours, id);
            if (look.seen.run == Run::running && driver.is_frozen(look.domain.get()) &&
                virDomainSuspend(look.domain.get()) == 0)
                look.seen.run = Run::paused;
            return std::pair(std::move(look.seen), look.domain && driver.ended_unnoticed(look.domain.get()));
        });
        const bool known = watch_->fates.complete(seen) && !unnoticed;
        if (known || (late && !(unnoticed && bury(id)))) return seen;
    }
}

// Has libvirt know the end that it did not notice; how the container ended is lost.
bool LibvirtDomains::bury(GuestId id) {
    const bool buried = connection_.call([ours = ours_, id](virConnectPtr c) {
        const auto domain = find(c, *ours, id);
        return domain && virDomainDestroy(domain.get()) == 0;
    });
    if (buried) watch_->fates.bury(id);
    return buried;
}

UniqueFd LibvirtDomains::open_channel(GuestId id) {
    return connection_.call([ours = ours_, id, open = driver_.open_channel, most = most_processes_](virConnectPtr c) {
        return open(c, *ours, id, most);
    });
}

UniqueFd LibvirtDomains::open_console(GuestId id) {
    if (driver_.console_path == nullptr) return {};
    return connection_.call([ours = ours_, id, path = driver_.console_path](virConnectPtr c) {
        return open_tty_of(c, *ours, id, find_channel(c, *ours, id, path, "console"));
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
