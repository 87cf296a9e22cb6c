#include "hypervisor/domain_xml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "hypervisor/xml.hpp"
#include "model/names.hpp"

namespace drover {
namespace {

using pugi::xml_node;
using xml::add;

// The probe and the guests share what decides whether and how a machine runs at all.
struct Machine {
    bool kvm = false;
    long long memory = 0;
    int cpus = 1;
    std::string kernel, initrd, parameters;  ///< no kernel: it boots from its disk
};

void add_facts(xml_node tag, const DomainSpec& spec) {
    const auto set = [&](const char* name, const std::string& value) {
        tag.append_attribute(name).set_value(value.c_str());
    };
    set("registry", spec.registry);
    set("id", fmt::to_string(spec.id));
    set("name", spec.name);
    set("owner", spec.owner);
    set("version", spec.make.version);
    set("boot", fmt::to_string(spec.make.boot));
    set("overlay", fmt::to_string(spec.make.overlay));
}

void add_tag(xml_node domain, const DomainSpec& spec) {
    add_facts(add(add(domain, "metadata"), "drover:guest", {{"xmlns:drover", tag_namespace}}), spec);
}

// "q35" is written out by libvirt at define, so a defined guest keeps its machine until it is defined again; naming one
// version here would tie Drover to a QEMU that still has it.
void add_boot(xml_node domain, const Machine& machine) {
    auto os = add(domain, "os");
    add(os, "type", {{"arch", "x86_64"}, {"machine", "q35"}}, "hvm");
    if (machine.kernel.empty()) {
        add(os, "boot", {{"dev", "hd"}});
        return;
    }
    add(os, "kernel", {}, machine.kernel);
    add(os, "initrd", {}, machine.initrd);
    // panic=-1: a kernel that panics restarts at once, which is seen as a new HELLO or as none in time.
    const auto* gap = machine.parameters.empty() ? "" : " ";
    add(os, "cmdline", {}, fmt::format("console=ttyS0 quiet panic=-1{}{}", gap, machine.parameters));
}

void add_processor(xml_node domain, const Machine& machine) {
    auto features = add(domain, "features");
    add(features, "acpi");
    // The default translation cache grows to hundreds of MiB for each guest.
    if (!machine.kvm) add(add(features, "tcg"), "tb-cache", {{"unit", "MiB"}}, "32");
    auto cpu = add(domain, "cpu", {{"mode", machine.kvm ? "host-passthrough" : "maximum"}});
    if (machine.kvm) return;
    // What an emulator is slow at, and a guest would choose for speed: copying by single bytes (`erms`), a fifth level
    // of page tables (`la57`).
    for (const auto* slow : {"erms", "la57"}) add(cpu, "feature", {{"policy", "disable"}, {"name", slow}});
}

// Whatever ends a guest ends its QEMU; only a restart from within keeps it. No sleep states: nobody would wake it.
void add_life(xml_node domain) {
    add(domain, "clock", {{"offset", "utc"}});
    add(domain, "on_poweroff", {}, "destroy");
    add(domain, "on_reboot", {}, "restart");
    add(domain, "on_crash", {}, "destroy");
    auto pm = add(domain, "pm");
    add(pm, "suspend-to-mem", {{"enabled", "no"}});
    add(pm, "suspend-to-disk", {{"enabled", "no"}});
}

void add_machine(xml_node domain, const Machine& machine) {
    add(domain, "memory", {{"unit", "b"}}, fmt::to_string(machine.memory));
    add(domain, "vcpu", {}, fmt::to_string(machine.cpus));
    add_boot(domain, machine);
    add_processor(domain, machine);
    add_life(domain);
}

void add_read_only(xml_node devices, const std::string& file, const char* target) {
    auto disk = add(devices, "disk", {{"type", "file"}, {"device", "disk"}});
    add(disk, "driver", {{"name", "qemu"}, {"type", "raw"}});
    add(disk, "source", {{"file", file}});
    add(disk, "target", {{"dev", target}, {"bus", "virtio"}});
    add(disk, "readonly");
    add(disk, "shareable");
}

// The chain is written out, so that QEMU follows no file name found inside a qcow2.
void add_overlay(xml_node devices, const DomainSpec& spec) {
    const bool is_cloud = !spec.seed.empty();
    auto disk = add(devices, "disk", {{"type", "file"}, {"device", "disk"}});
    add(disk, "driver", {{"name", "qemu"}, {"type", "qcow2"}, {"discard", "unmap"}});
    add(disk, "source", {{"file", spec.overlay}});
    auto chain = disk;
    if (!spec.prototype.empty()) {
        chain = add(disk, "backingStore", {{"type", "file"}});
        add(chain, "format", {{"type", is_cloud ? "qcow2" : "raw"}});
        add(chain, "source", {{"file", spec.prototype}});
    }
    add(chain, "backingStore");
    add(disk, "target", {{"dev", is_cloud ? "vda" : "vdb"}, {"bus", "virtio"}});
}

// The host's end of its line, by a name that rules can be made for before it is there.
void add_device(xml_node interface, const DomainSpec& spec) {
    add(interface, "target", {{"dev", device_name(spec.instance, spec.id)}});
}

// No boot ROM: a guest boots from its kernel file, and the firmware would spend time on it at every start.
void add_interface(xml_node devices, const DomainSpec& spec) {
    auto interface = add(devices, "interface", {{"type", "network"}});
    add(interface, "mac", {{"address", spec.mac}});
    add(interface, "source", {{"network", spec.network}});
    add_device(interface, spec);
    add(interface, "model", {{"type", "virtio"}});
    add(interface, "rom", {{"enabled", "no"}});
}

void add_lines(xml_node devices) {
    // Two ports, the first of which is kept for a console: two queues are made for each that there could be.
    add(devices, "controller", {{"type", "virtio-serial"}, {"index", "0"}, {"ports", "2"}});
    add(add(devices, "serial", {{"type", "pty"}}), "target", {{"port", "0"}});
    add(add(devices, "channel", {{"type", "unix"}}), "target", {{"type", "virtio"}, {"name", channel_name}});
    // A source of randomness of its own: what else would a guest forked from another's memory make its keys from?
    add(add(devices, "rng", {{"model", "virtio"}}), "backend", {{"model", "random"}}, "/dev/urandom");
}

// libvirt adds both where nothing is said.
void add_absent(xml_node devices) {
    add(devices, "controller", {{"type", "usb"}, {"model", "none"}});
    add(devices, "memballoon", {{"model", "none"}});
}

bool is_on_bus(xml_node device) {
    const std::string_view name = device.name();
    return name == "disk" || name == "interface" || name == "rng" ||
           device.attribute("type").value() == std::string_view("virtio-serial");
}

// On the first bus, in their order. libvirt would give each a port of its own, for plugging while the guest runs: QEMU
// would make these at each start, and the guest look behind each.
void place_on_first_bus(xml_node devices) {
    int slot = 2;
    for (const auto device : devices.children())
        if (is_on_bus(device))
            add(device, "address", {{"type", "pci"}, {"bus", "0x00"}, {"slot", fmt::format("{:#04x}", slot++)}});
}

// Else every start gives the files it uses, the shared root too, to the user that QEMU runs as.
void add_label(xml_node domain, const std::string& user) {
    auto label = add(domain, "seclabel", {{"type", "static"}, {"model", "dac"}, {"relabel", "no"}});
    add(label, "label", {}, user);
}

// At each start libvirt 9 asks QEMU for some four hundred properties of the processor, one by one, to find out which
// are missing: most of what a start costs. Without this capability it asks the older question, a single one.
void add_quick_start(xml_node domain) {
    domain.append_attribute("xmlns:qemu") = "http://libvirt.org/schemas/domain/qemu/1.0";
    add(add(domain, "qemu:capabilities"), "qemu:del", {{"capability", "cpu-unavailable-features"}});
}

// Of all processors together, however many threads it has.
void add_share(xml_node domain, int cpus) {
    constexpr long long period = 100'000;
    auto tune = add(domain, "cputune");
    add(tune, "period", {}, fmt::to_string(period));
    add(tune, "quota", {}, fmt::to_string(cpus * period));
}

void add_users(xml_node domain, unsigned first) {
    auto map = add(domain, "idmap");
    for (const auto* what : {"uid", "gid"})
        add(map, what, {{"start", "0"}, {"target", fmt::to_string(first)}, {"count", "65536"}});
}

void add_folder(xml_node devices, const std::string& folder, const char* at) {
    auto file_system = add(devices, "filesystem", {{"type", "mount"}, {"accessmode", "passthrough"}});
    add(file_system, "source", {{"dir", folder}});
    add(file_system, "target", {{"dir", at}});
}

bool is_terminal(std::string_view path) {
    constexpr std::string_view folder = "/dev/pts/";
    return path.starts_with(folder) && parse_number(path.substr(folder.size()));
}

bool is_version(std::string_view text) {
    constexpr std::string_view prefix = "sha256:";
    if (text.empty()) return true;
    const auto digits = text.substr(std::min(prefix.size(), text.size()));
    return text.starts_with(prefix) && digits.size() == 64 &&
           digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// The element of the tag: the document itself, or the one in the metadata of a domain that declares our namespace.
xml_node find_tag(const pugi::xml_document& document) {
    const auto root = document.document_element();
    if (std::strcmp(root.name(), "domain") != 0) return root;
    for (const auto node : root.child("metadata").children("drover:guest"))
        if (std::strcmp(node.attribute("xmlns:drover").value(), tag_namespace) == 0) return node;
    return {};
}

// Of the device of this sort with this port, where it is a tty.
std::optional<std::string> tty_path(const std::string& xml, const char* sort, std::string_view port) {
    const auto document = xml::parse(xml, "the domain's XML");
    for (const auto device : document.child("domain").child("devices").children(sort)) {
        const std::string path = device.child("source").attribute("path").value();
        if (device.child("target").attribute("port").value() == port && is_terminal(path)) return path;
    }
    return std::nullopt;
}

// What makes a domain the guest's.
xml_node add_domain(pugi::xml_document& document, const DomainSpec& spec, const char* type) {
    const Ownership ownership{spec.instance, spec.registry};
    auto domain = add(document.root(), "domain", {{"type", type}});
    add(domain, "name", {}, ownership.domain_name(spec.id));
    add(domain, "uuid", {}, ownership.domain_uuid(spec.id));
    add(domain, "title", {}, spec.name);
    add_tag(domain, spec);
    return domain;
}

}  // namespace

std::string to_xml(const DomainSpec& spec) {
    pugi::xml_document document;
    auto domain = add_domain(document, spec, spec.kvm ? "kvm" : "qemu");
    add_machine(domain, {spec.kvm, spec.memory, spec.cpus, spec.kernel, spec.initrd, spec.parameters});
    auto devices = add(domain, "devices");
    if (spec.seed.empty()) add_read_only(devices, spec.root, "vda");
    add_overlay(devices, spec);
    if (!spec.seed.empty()) add_read_only(devices, spec.seed, "vdb");
    add_absent(devices);
    add_interface(devices, spec);
    add_lines(devices);
    place_on_first_bus(devices);
    add_label(domain, spec.user);
    add_quick_start(domain);
    return xml::print(document.document_element());
}

std::string container_xml(const DomainSpec& spec) {
    pugi::xml_document document;
    auto domain = add_domain(document, spec, "lxc");
    add(domain, "memory", {{"unit", "b"}}, fmt::to_string(spec.memory));
    add(domain, "vcpu", {}, fmt::to_string(spec.cpus));
    add_share(domain, spec.cpus);
    add_users(domain, spec.first_uid);
    auto os = add(domain, "os");
    add(os, "type", {{"arch", "x86_64"}}, "exe");
    add(os, "init", {}, "/usr/libexec/drover-guest");
    add(os, "initarg", {}, "container");
    if (!spec.parameters.empty()) add(os, "initarg", {}, spec.parameters);
    auto devices = add(domain, "devices");
    // Both come with their restrictions, read-only and without devices, which nobody inside can take off. libvirt's own
    // <readonly/> would fail on them.
    add_folder(devices, spec.root, "/");
    add_folder(devices, spec.overlay, "/mnt");
    auto interface = add(devices, "interface", {{"type", "network"}});
    add(interface, "mac", {{"address", spec.mac}});
    add(interface, "source", {{"network", spec.network}});
    add_device(interface, spec);
    for (const auto* port : {"0", "1"})
        add(add(devices, "console", {{"type", "pty"}}), "target", {{"type", "lxc"}, {"port", port}});
    return xml::print(document.document_element());
}

std::string test_xml(const DomainSpec& spec) {
    pugi::xml_document document;
    auto domain = add_domain(document, spec, "test");
    add(domain, "memory", {{"unit", "b"}}, fmt::to_string(spec.memory));
    add(add(domain, "os"), "type", {}, "hvm");
    auto devices = add(domain, "devices");
    add_overlay(devices, spec);
    add_interface(devices, spec);
    return xml::print(document.document_element());
}

std::string probe_xml(const Ownership& ownership, const std::string& kernel, const std::string& initrd,
                      const std::string& user) {
    constexpr long long memory = 128LL << 20;
    pugi::xml_document document;
    auto domain = add(document.root(), "domain", {{"type", "kvm"}});
    add(domain, "name", {}, ownership.instance + "-probe");
    add(domain, "uuid", {}, derived_uuid(ownership.registry, "probe"));
    add_machine(domain, {true, memory, 1, kernel, initrd, "drover.probe"});
    add_absent(add(domain, "devices"));
    add_label(domain, user);
    return xml::print(document.document_element());
}

std::string tag_xml(const DomainSpec& spec) {
    pugi::xml_document document;
    add_facts(add(document.root(), "guest"), spec);
    return xml::print(document.document_element());
}

std::optional<OwnerTag> read_tag(const std::string& xml) {
    const auto document = xml::parse(xml, "the domain's XML");
    const auto node = find_tag(document);
    const auto field = [&](const char* name) -> std::string { return node.attribute(name).value(); };
    for (const auto* name : {"registry", "id", "name", "owner", "version", "boot", "overlay"})
        if (node.attribute(name).empty()) return std::nullopt;
    const auto id = parse_number(field("id")), boot = parse_number(field("boot")),
               overlay = parse_number(field("overlay"));
    if (!id || !boot || !overlay || !is_version(field("version"))) return std::nullopt;
    return OwnerTag{field("registry"), *id, field("name"), field("owner"), {field("version"), *overlay, *boot}};
}

std::optional<std::string> read_channel_path(const std::string& xml) {
    const auto document = xml::parse(xml, "the domain's XML");
    for (const auto channel : document.child("domain").child("devices").children("channel")) {
        const std::string path = channel.child("source").attribute("path").value();
        if (channel.child("target").attribute("name").value() == std::string_view(channel_name) && !path.empty())
            return path;
    }
    return std::nullopt;
}

std::optional<std::string> read_second_tty_path(const std::string& xml) { return tty_path(xml, "console", "1"); }

std::optional<std::string> read_serial_path(const std::string& xml) { return tty_path(xml, "serial", "0"); }

std::optional<std::string> read_first_tty_path(const std::string& xml) { return tty_path(xml, "console", "0"); }

std::optional<std::string> read_user(const std::string& capabilities) {
    const auto document = xml::parse(capabilities, "the hypervisor's capabilities");
    for (const auto model : document.child("capabilities").child("host").children("secmodel")) {
        const std::string label = model.find_child_by_attribute("baselabel", "type", "qemu").text().get();
        if (model.child("model").text().get() == std::string_view("dac") && !label.empty()) return label;
    }
    return std::nullopt;
}

}  // namespace drover
