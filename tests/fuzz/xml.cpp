#include <array>

#include "fsck/virsh.hpp"
#include "fuzz.hpp"
#include "hypervisor/domain_xml.hpp"
#include "hypervisor/network_xml.hpp"

/// What libvirt says of domains, networks and hosts; people and other programs wrote parts of it.
namespace drover {
namespace {

/// A tag reads the same from the domain that is defined by it.
void tag(const std::string& xml) {
    const auto tag = read_tag(xml);
    if (!tag) return;
    DomainSpec spec;
    spec.registry = tag->registry;
    spec.id = tag->id;
    spec.name = tag->name;
    spec.owner = tag->owner;
    spec.make = tag->make;
    fuzz::hold(read_tag(to_xml(spec)) == tag, "a tag reads as another once it was written");
}

void channel_path(const std::string& xml) { read_channel_path(xml); }
void user(const std::string& xml) { read_user(xml); }

void subnets(const std::string& xml) {
    for (const auto& subnet : read_subnets(xml)) fuzz::hold(subnet.contains(subnet.network), "a subnet without itself");
}

void shape(const std::string& xml) {
    if (const auto shape = read_shape(xml); shape.subnet)
        fuzz::hold(shape.subnet->contains(shape.subnet->network), "a subnet without itself");
}

void names(const std::string& xml) {
    const auto domain = read_shape(xml).domain;
    for (const auto& host : read_names(xml)) host_xml(host, domain);
}

void folder(const std::string& xml) {
    if (read_shape(xml).bridge.empty()) return;
    fuzz::hold(watches(brought_up_to_date(xml, "/s/names"), "/s/names"), "a network without the folder that it was given");
}

void fsck_domains(const std::string& xml) { fsck::read_domains(xml); }
void fsck_networks(const std::string& xml) { fsck::read_networks(xml); }

constexpr std::array<void (*)(const std::string&), 9> readers{tag,   channel_path, user,         folder,       subnets,
                                                              shape, names,        fsck_domains, fsck_networks};

}  // namespace
}  // namespace drover

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const drover::fuzz::Input input(data, size);
    drover::fuzz::may_refuse([&] { drover::readers[input.choice % drover::readers.size()](std::string(input.text)); });
    return 0;
}
