#include "simulation/fake_networks.hpp"

#include "model/error.hpp"
#include "model/failpoint.hpp"

namespace drover {

void FakeNetworks::World::check() const {
    if (!reachable) throw Error(ErrorKind::unavailable, "the hypervisor is out of reach");
    if (foreign) throw Error(ErrorKind::refused, "the network belongs to somebody else");
}

void FakeNetworks::World::check_there() const {
    check();
    if (!spec) throw Error(ErrorKind::not_found, "the network is not there");
}

bool FakeNetworks::ensure(const NetworkSpec& spec) {
    auto world = world_.lock();
    world->check();
    const bool same = world->spec && world->spec->subnet == spec.subnet && world->spec->domain == spec.domain;
    if (world->spec && !same && world->plugged > 0)
        throw Error(ErrorKind::refused, "the network cannot change: guests are plugged in");
    const bool fresh = !world->spec;
    world->spec = spec;
    failpoint("network.defined");
    return fresh;
}

void FakeNetworks::remove() {
    auto world = world_.lock();
    world->check();
    world->spec.reset();
    world->names.clear();
}

void FakeNetworks::add_name(const HostName& host) {
    auto world = world_.lock();
    world->check_there();
    std::erase_if(world->names, [&](const auto& entry) { return entry.second.name == host.name; });
    world->names[host.address] = host;
}

void FakeNetworks::remove_name(Address address) {
    auto world = world_.lock();
    world->check();
    world->names.erase(address);
}

std::vector<HostName> FakeNetworks::names() {
    auto world = world_.lock();
    world->check_there();
    std::vector<HostName> all;
    for (const auto& [address, host] : world->names) all.push_back(host);
    return all;
}

std::vector<Subnet> FakeNetworks::taken_subnets() {
    auto world = world_.lock();
    if (!world->reachable) throw Error(ErrorKind::unavailable, "the hypervisor is out of reach");
    return world->taken;
}

void FakeNetworks::set_plugged(int guests) { world_.lock()->plugged = guests; }
void FakeNetworks::set_reachable(bool reachable) { world_.lock()->reachable = reachable; }
void FakeNetworks::set_foreign(bool foreign) { world_.lock()->foreign = foreign; }
void FakeNetworks::take(const Subnet& subnet) { world_.lock()->taken.push_back(subnet); }
std::optional<NetworkSpec> FakeNetworks::spec() { return world_.lock()->spec; }

}  // namespace drover
