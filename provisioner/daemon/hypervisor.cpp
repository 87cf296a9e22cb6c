#include "daemon/hypervisor.hpp"

#include "hypervisor/by_kind.hpp"
#include "hypervisor/libvirt.hpp"
#include "hypervisor/libvirt_forks.hpp"
#include "hypervisor/libvirt_networks.hpp"
#include "simulation/fake_domains.hpp"
#include "simulation/fake_networks.hpp"
#include "simulation/simulated_guests.hpp"

namespace drover {
namespace {

bool guests_are_simulated(const Config& config) { return config.testing.guests == "simulated"; }

std::unique_ptr<FakeDomains> fake_domains(const Config& config, const std::string& folder) {
    auto domains = std::make_unique<FakeDomains>(FakeDomains::Options{.folder = folder});
    domains->behave({.answers = guests_are_simulated(config)});
    return domains;
}

}  // namespace

Hypervisor::Hypervisor(const Config& config, const std::string& registry, std::function<bool()> uses_containers) {
    const std::string& uri = config.hosts.front().vm_uri;
    if (uri.starts_with(fake_hypervisor)) {
        auto domains = fake_domains(config, uri.substr(fake_hypervisor.size()));
        forks_ = domains.get();
        domains_ = std::move(domains);
        for (std::size_t i = 0; i <= config.networks.size(); ++i) networks_.push_back(std::make_unique<FakeNetworks>());
        return;
    }
    connection_.emplace(events_, uri);
    domains_ = std::make_unique<LibvirtDomains>(*connection_, config.instance, registry);
    for (const auto* network : all_networks(config)) {
        const LibvirtNetworks::Place place{network == &config.network ? "" : network->name,
                                           title_of(config, *network),
                                           network->mode,
                                           {config.state + "/names", config.state + "/reservations"}};
        networks_.push_back(std::make_unique<LibvirtNetworks>(*connection_, config.instance, registry, place));
    }
    if (!uri.starts_with("test")) {
        own_forks_ = std::make_unique<LibvirtForks>(*connection_, config.instance, registry);
        forks_ = own_forks_.get();
        containers_.emplace(events_, config.hosts.front().container_uri);
        domains_ = std::make_unique<DomainsByKind>(
            std::move(domains_),
            std::make_unique<LibvirtDomains>(*containers_, config.instance, registry, config.containers.processes),
            std::move(uses_containers));
    }
    if (guests_are_simulated(config)) {
        auto guests = std::make_unique<SimulatedGuests>(std::move(domains_), config.state + "/simulated");
        forks_ = guests.get();
        domains_ = std::move(guests);
    }
}

}  // namespace drover
