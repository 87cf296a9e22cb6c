#include "doctor/programs.hpp"

#include "process/process.hpp"

namespace drover::doctor {
namespace {

constexpr NeededProgram table[] = {
    // what libvirt starts for us
    {"qemu-system-x86_64", "qemu-system-x86"},
    {"dnsmasq", "dnsmasq-base"},
    {"iptables", "iptables"},
    // what the daemon runs
    {"virsh", "libvirt-clients"},
    {"qemu-img", "qemu-utils"},
    {"mke2fs", "e2fsprogs"},
    {"xorrisofs", "xorriso"},
    {"cp", "coreutils"},
    {"timeout", "coreutils"},
    {"tar", "tar"},
    {"unsquashfs", "squashfs-tools"},
    {"dpkg", "dpkg"},
    {"dpkg-deb", "dpkg"},
    {"apt-get", "apt"},
    {"apt-cache", "apt"},
    // what images/lib.sh runs
    {"bash", "bash"},
    {"mksquashfs", "squashfs-tools"},
    {"cpio", "cpio"},
    {"modinfo", "kmod"},
    {"mmdebstrap", "mmdebstrap"},
};

}  // namespace

std::span<const NeededProgram> needed_programs() { return table; }

std::string package_of(const std::string& program) {
    for (const auto& needed : table)
        if (needed.name == program) return needed.package;
    return program;
}

std::vector<std::string> missing_programs() {
    std::vector<std::string> missing;
    for (const auto& needed : table)
        if (!is_installed(needed.name)) missing.emplace_back(needed.name);
    return missing;
}

}  // namespace drover::doctor
