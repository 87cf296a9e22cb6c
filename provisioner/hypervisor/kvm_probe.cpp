#include "hypervisor/kvm_probe.hpp"

#include <chrono>
#include <thread>

#include "hypervisor/handles.hpp"

namespace drover {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto patience = std::chrono::seconds(8);
constexpr auto pause = std::chrono::milliseconds(50);

enum class Probe { running, switched_off, failed };

void remove(Connection& connection, const std::string& uuid) {
    connection.call([uuid](virConnectPtr c) {
        const DomainHandle domain(virDomainLookupByUUIDString(c, uuid.c_str()));
        if (!domain) return;
        virDomainDestroy(domain.get());
        virDomainUndefine(domain.get());
    });
}

// A hypervisor that refuses to run it says so already here. Defined, since only then libvirt still tells how it ended;
// ended by libvirt if this process should die.
bool start(Connection& connection, const std::string& xml) {
    return connection.call([xml](virConnectPtr c) {
        const DomainHandle domain(virDomainDefineXML(c, xml.c_str()));
        return domain && virDomainCreateWithFlags(domain.get(), VIR_DOMAIN_START_AUTODESTROY) == 0;
    });
}

Probe look(Connection& connection, const std::string& uuid) {
    return connection.call([uuid](virConnectPtr c) {
        const DomainHandle domain(virDomainLookupByUUIDString(c, uuid.c_str()));
        int state = 0, reason = 0;
        if (!domain || virDomainGetState(domain.get(), &state, &reason, 0) < 0) return Probe::failed;
        if (state != VIR_DOMAIN_SHUTOFF) return Probe::running;
        return reason == VIR_DOMAIN_SHUTOFF_SHUTDOWN ? Probe::switched_off : Probe::failed;
    });
}

}  // namespace

bool kvm_works(Connection& connection, const Ownership& ownership, const std::string& xml) {
    const auto uuid = derived_uuid(ownership.registry, "probe");
    remove(connection, uuid);
    const auto until = Clock::now() + patience;
    auto probe = start(connection, xml) ? Probe::running : Probe::failed;
    while (probe == Probe::running && Clock::now() < until) {
        std::this_thread::sleep_for(pause);
        probe = look(connection, uuid);
    }
    remove(connection, uuid);
    return probe == Probe::switched_off;
}

}  // namespace drover
