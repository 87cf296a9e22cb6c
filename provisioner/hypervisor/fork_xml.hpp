#pragma once
#include <string>

#include "hypervisor/domains.hpp"

/// Domain XML of templates and forks, pure: the XML of the guest, with other memory.
namespace drover {

/// A template: what it does with its memory is done to the file.
std::string template_xml(const DomainSpec& spec, const std::string& memory);

/// A fork of it: it begins with the file's content, and keeps what it writes to itself. It waits for the template's
/// state.
std::string fork_xml(const DomainSpec& spec, const std::string& memory);

/// What the processor, the machine and the devices of a guest are, without what is its own (its name, MAC and files):
/// equal for guests whose memory fits each other.
std::string layout_of(const DomainSpec& spec);

}  // namespace drover
