#include "doctor/checks.hpp"

#include <utility>

namespace drover::doctor {
namespace {

constexpr Diagnosis (*table[])(const Picture&) = {
    daemon,         libvirt,      qemu,           qemu_user,   accelerator,       kvm_node,
    programs,       hooks,        administrators, apparmor,    cgroups,           registry,
    pools,          health,       clock,          state_space, state_file_system, run_space,
    log_space,      memory,       open_files,     processes,   neighbours,        bridge_ports,
    libvirt_guests, libvirt_hook, templates,      rules,       forwarding,        host_ports,
};

}  // namespace

Diagnoses check_all(const Picture& picture) {
    Diagnoses diagnoses;
    for (const auto check : table) diagnoses.push_back(check(picture));
    return diagnoses;
}

Diagnosis fine(const std::string& check, std::string message) { return {check, Level::ok, std::move(message), ""}; }

long long guests_of(const Picture& picture) { return picture.herd.value ? picture.herd.value->guests : 0; }

}  // namespace drover::doctor
