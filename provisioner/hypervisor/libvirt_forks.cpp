#include "hypervisor/libvirt_forks.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>
#include <utility>

#include "hypervisor/fork_xml.hpp"
#include "hypervisor/handles.hpp"
#include "hypervisor/looking.hpp"
#include "hypervisor/monitor.hpp"
#include "hypervisor/xml.hpp"
#include "model/unique_fd.hpp"

namespace drover {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto patience = 20s;
constexpr auto pause = 500us;
constexpr const char* state_name = "state";

// Its memory is in a file, and the stream carries the rest alone.
void ignore_shared_memory(const Monitor& monitor) {
    const nlohmann::json capability{{"capability", "x-ignore-shared"}, {"state", true}};
    static_cast<void>(monitor.ask("migrate-set-capabilities", {{"capabilities", nlohmann::json::array({capability})}}));
}

UniqueFd open_state(const std::string& path, int flags) {
    UniqueFd file(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW));
    if (!file) throw Error(ErrorKind::failed, fmt::format("open '{}': {}", path, std::strerror(errno)));
    return file;
}

// Asks until `done` says so.
template <typename Done> void wait_until(const std::string& what, Done done) {
    for (const auto until = Clock::now() + patience; !done(); std::this_thread::sleep_for(pause))
        if (Clock::now() >= until)
            throw Error(ErrorKind::failed, fmt::format("{} did not end within {}", what, to_text(patience)));
}

void write_state(const Monitor& monitor, const std::string& path) {
    ignore_shared_memory(monitor);
    const auto file = open_state(path, O_WRONLY | O_TRUNC);
    monitor.give(state_name, file.get());
    static_cast<void>(monitor.ask("migrate", {{"uri", std::string("fd:") + state_name}}));
    wait_until("freezing " + path, [&] {
        const auto answer = monitor.ask("query-migrate");
        const auto status = answer.value("status", "");
        if (status == "failed" || status == "cancelled")
            throw Error(ErrorKind::failed, "freezing: " + answer.value("error-desc", "QEMU gives no reason"));
        return status == "completed";
    });
}

// After a migration everybody on a network is told five times over where a guest is now. A fork was nowhere before, and
// has no address yet. (None at all is not to be had: QEMU 7.2 frees the card's timer then, and crashes when the guest
// resets it.)
void announce_once(const Monitor& monitor) {
    static_cast<void>(monitor.ask("migrate-set-parameters", {{"announce-rounds", 1}}));
}

void read_state(const Monitor& monitor, const std::string& path) {
    ignore_shared_memory(monitor);
    announce_once(monitor);
    {
        const auto file = open_state(path, O_RDONLY);
        monitor.give(state_name, file.get());
    }
    static_cast<void>(monitor.ask("migrate-incoming", {{"uri", std::string("fd:") + state_name}}));
    wait_until("loading " + path, [&] { return monitor.ask("query-status").value("status", "") != "inmigrate"; });
}

DomainHandle create(virConnectPtr connection, const std::string& xml, const std::string& name, unsigned flags) {
    DomainHandle domain(virDomainCreateXML(connection, xml.c_str(), flags));
    if (!domain) throw last_error("start domain " + name);
    return domain;
}

bool is_active(const DomainHandle& domain) { return domain && static_cast<int>(virDomainGetID(domain.get())) > 0; }

std::string release(unsigned long number) {
    return fmt::format("{}.{}.{}", number / 1000000, number / 1000 % 1000, number % 1000);
}

// Another program under the same name is another hypervisor, whatever release it calls itself.
std::string identity_of(const std::string& file) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0) return "not there";
    return fmt::format("{} {}:{} {} {}.{:09}", file, info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec,
                       info.st_mtim.tv_nsec);
}

// What a guest under KVM sees of the host: its processor's model and flags, and its kernel's way to show them.
std::string host_processor() {
    std::ifstream file("/proc/cpuinfo");
    std::string text, line;
    while (std::getline(file, line) && !line.empty())
        if (line.starts_with("model name") || line.starts_with("flags") || line.starts_with("microcode")) text += line;
    utsname kernel{};
    ::uname(&kernel);
    return text + " Linux " + kernel.release;
}

}  // namespace

LibvirtForks::LibvirtForks(Connection& connection, std::string instance, std::string registry)
    : connection_(connection),
      ours_(std::make_shared<Ownership>(Ownership{std::move(instance), std::move(registry)})),
      machines_(std::make_shared<Synchronized<KnownMachines>>()) {
    connection_.watch([machines = machines_](virDomainPtr domain, DomainEvent /*event*/) {
        if (domain == nullptr) machines->lock()->clear();
    });
}

std::map<std::string, std::string> LibvirtForks::needs(const DomainSpec& spec) {
    auto [facts, emulator] = machine(spec.kvm);
    facts["program"] = identity_of(emulator);
    facts["layout"] = layout_of(spec);
    return facts;
}

LibvirtForks::Machine LibvirtForks::machine(bool kvm) {
    {
        auto known = machines_->lock();
        if (const auto found = known->find(kvm); found != known->end()) return found->second;
    }
    Machine found = connection_.call([kvm](virConnectPtr c) {
        unsigned long qemu = 0, libvirt = 0;
        const TextHandle text(virConnectGetDomainCapabilities(c, nullptr, "x86_64", "q35", kvm ? "kvm" : "qemu", 0));
        if (!text || virConnectGetVersion(c, &qemu) < 0 || virConnectGetLibVersion(c, &libvirt) < 0)
            throw last_error("the hypervisor's capabilities");
        const auto document = xml::parse(text.get(), "the hypervisor's capabilities");
        const auto capabilities = document.document_element();
        return Machine{{{"qemu", release(qemu)},
                        {"libvirt", release(libvirt)},
                        {"machine", capabilities.child_value("machine")},
                        {"processor", kvm ? host_processor() : "emulated"}},
                       capabilities.child_value("path")};
    });
    (*machines_->lock())[kvm] = found;
    return found;
}

void LibvirtForks::boot_template(const DomainSpec& spec, const std::string& memory) {
    connection_.call([ours = ours_, id = spec.id, xml = template_xml(spec, memory)](virConnectPtr c) {
        create(c, xml, ours->domain_name(id), VIR_DOMAIN_START_AUTODESTROY);
    });
}

void LibvirtForks::freeze(const std::string& state) {
    connection_.call([ours = ours_, state](virConnectPtr c) {
        const auto name = ours->domain_name(template_id);
        const auto domain = find(c, *ours, template_id);
        if (!domain) throw not_running(name);
        if (virDomainSuspend(domain.get()) < 0) throw last_error("suspend domain " + name);
        write_state({domain.get(), name}, state);
        if (virDomainDestroy(domain.get()) < 0) throw last_error("end domain " + name);
    });
}

void LibvirtForks::fork(const DomainSpec& spec, const TemplateFiles& files) {
    const unsigned flags = VIR_DOMAIN_START_PAUSED | (spec.id == trial_id ? VIR_DOMAIN_START_AUTODESTROY : 0);
    connection_.call(
        [ours = ours_, id = spec.id, xml = fork_xml(spec, files.memory), state = files.state, flags](virConnectPtr c) {
            const auto name = ours->domain_name(id);
            if (is_active(find(c, *ours, id))) return;
            const auto domain = create(c, xml, name, flags);
            try {
                read_state({domain.get(), name}, state);
                if (virDomainResume(domain.get()) < 0) throw last_error("resume domain " + name);
            } catch (const Error&) {
                virDomainDestroy(domain.get());
                throw;
            }
        });
}

}  // namespace drover
