#include "hypervisor/fork_xml.hpp"

#include <nlohmann/json.hpp>

#include "hypervisor/domain_xml.hpp"
#include "hypervisor/xml.hpp"

namespace drover {
namespace {

constexpr const char* qemu_namespace = "http://libvirt.org/schemas/domain/qemu/1.0";
constexpr const char* memory_id = "drover.memory";

void add_argument(pugi::xml_node line, const std::string& text) { xml::add(line, "qemu:arg", {{"value", text}}); }

// libvirt has no word for a file of ours: its own memory backing would remove it with the domain.
std::string with_memory(const DomainSpec& spec, const std::string& memory, bool is_template) {
    auto document = xml::parse(to_xml(spec), "the domain's XML");
    auto domain = document.document_element();
    if (domain.attribute("xmlns:qemu").empty()) domain.append_attribute("xmlns:qemu") = qemu_namespace;
    auto line = domain.child("qemu:commandline");
    if (!line) line = xml::add(domain, "qemu:commandline");
    const nlohmann::json backend{{"qom-type", "memory-backend-file"},
                                 {"id", memory_id},
                                 {"size", spec.memory},
                                 {"mem-path", memory},
                                 {"share", is_template}};
    add_argument(line, "-object");
    add_argument(line, backend.dump());
    add_argument(line, "-machine");
    add_argument(line, std::string("memory-backend=") + memory_id);
    if (is_template) return xml::print(domain);
    add_argument(line, "-incoming");
    add_argument(line, "defer");
    // Each of its threads has an arena otherwise, with what its beginning left free in the first.
    xml::add(line, "qemu:env", {{"name", "MALLOC_ARENA_MAX"}, {"value", "1"}});
    return xml::print(domain);
}

}  // namespace

std::string template_xml(const DomainSpec& spec, const std::string& memory) { return with_memory(spec, memory, true); }

std::string fork_xml(const DomainSpec& spec, const std::string& memory) { return with_memory(spec, memory, false); }

std::string layout_of(const DomainSpec& spec) {
    DomainSpec common = spec;
    common.instance = common.registry = common.name = common.owner = common.mac = common.network = "-";
    common.id = 0;
    common.make = {};
    common.kernel = common.initrd = common.root = common.overlay = common.prototype = common.parameters = "-";
    return to_xml(common);
}

}  // namespace drover
