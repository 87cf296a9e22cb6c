#pragma once
#include <string>

#include "doctor/picture.hpp"
#include "model/diagnosis.hpp"

/// What can bite: pure functions of one picture, each with exactly one answer.
namespace drover::doctor {

/// All checks, in the order of their table.
Diagnoses check_all(const Picture& picture);

// host_checks.cpp: what is installed and set up
Diagnosis daemon(const Picture& picture);
Diagnosis libvirt(const Picture& picture);
Diagnosis qemu(const Picture& picture);
Diagnosis qemu_user(const Picture& picture);
Diagnosis accelerator(const Picture& picture);
Diagnosis kvm_node(const Picture& picture);
Diagnosis programs(const Picture& picture);
Diagnosis hooks(const Picture& picture);
Diagnosis administrators(const Picture& picture);
Diagnosis apparmor(const Picture& picture);
Diagnosis templates(const Picture& picture);
Diagnosis libvirt_guests(const Picture& picture);
Diagnosis libvirt_hook(const Picture& picture);
Diagnosis cgroups(const Picture& picture);
Diagnosis registry(const Picture& picture);
Diagnosis pools(const Picture& picture);
Diagnosis health(const Picture& picture);
Diagnosis clock(const Picture& picture);

// firewall_checks.cpp: the rules of the guests' networks
Diagnosis rules(const Picture& picture);
Diagnosis forwarding(const Picture& picture);
Diagnosis host_ports(const Picture& picture);

// room_checks.cpp: what there is too little of
Diagnosis state_file_system(const Picture& picture);
Diagnosis state_space(const Picture& picture);
Diagnosis run_space(const Picture& picture);
Diagnosis log_space(const Picture& picture);
Diagnosis memory(const Picture& picture);
Diagnosis open_files(const Picture& picture);
Diagnosis processes(const Picture& picture);
Diagnosis bridge_ports(const Picture& picture);
Diagnosis neighbours(const Picture& picture);

/// Nothing bites.
Diagnosis fine(const std::string& check, std::string message);
/// Guests of the registry; 0 when it cannot be read, which `registry` tells.
long long guests_of(const Picture& picture);

/// What `judge` makes of what was seen, or the warning that nobody could look.
template <typename T, typename Judge>
Diagnosis judged(const std::string& check, const Seen<T>& seen, const Judge& judge) {
    if (!seen.value) return {check, Level::warn, "cannot look: " + seen.why_not, seen.mend};
    return judge(*seen.value);
}

}  // namespace drover::doctor
