#include "fsck/mender.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fsck/hosts_file.hpp"
#include "model/error.hpp"

namespace drover::fsck {
namespace {

constexpr const char* gone_already = "nothing: it is gone already";

std::string lives_again(GuestId id) { return fmt::format("nothing: guest {} is there now", id); }

}  // namespace

Mender::Mender(const Sight& sight, const Fsck::Tools& tools, RegistryReader& registry, const Hypervisors& hypervisors)
    : sight_(sight), tools_(tools), registry_(registry), hypervisors_(hypervisors) {}

std::string Mender::carry_out(const Mend& mend) {
    try {
        return std::visit([this](const auto& it) { return mend_it(it); }, mend);
    } catch (const Error& error) {
        return fmt::format("failed: {}", error.what());
    }
}

std::string Mender::mend_it(std::monostate /*nothing*/) { return ""; }

std::string Mender::mend_it(const RemoveDomain& mend) {
    const Virsh& virsh = hypervisors_.of(mend.is_container);
    const auto domain = virsh.domain(mend.uuid);
    if (!domain) return gone_already;
    if (domain->registry != sight_.registry || sight_.guest_of(domain->name) != mend.id)
        return "nothing: it is not ours any more";
    if (registry_.lives(mend.id)) return lives_again(mend.id);
    if (!domain->active) {
        virsh.undefine(*domain);
        return "undefined";
    }
    virsh.destroy(mend.uuid);
    if (!virsh.domain(mend.uuid)) return "destroyed";  // it had no definition
    virsh.undefine(*domain);
    return "destroyed and undefined";
}

std::string Mender::mend_it(const MoveToLost& mend) {
    const auto id = parse_id(mend.overlay);
    if (id && registry_.lives(*id)) return lives_again(*id);
    const auto path = StateFiles(sight_.config.state).move_to_lost(mend.overlay);
    return path ? printable("moved to " + *path) : gone_already;
}

std::string Mender::mend_it(const MoveRootToLost& mend) {
    if (registry_.has_version(mend.root)) return "nothing: the registry knows it now";
    const auto path = StateFiles(sight_.config.state).move_root_to_lost(mend.root);
    return path ? printable("moved to " + *path) : gone_already;
}

std::string Mender::mend_it(const MoveCopyToLost& mend) {
    const auto id = parse_id(mend.copy);
    if (id && registry_.has_copy(*id)) return "nothing: the registry knows it now";
    const auto path = StateFiles(sight_.config.state).move_copy_to_lost(mend.copy);
    return path ? printable("moved to " + *path) : gone_already;
}

std::string Mender::mend_it(const MoveLogToLost& mend) {
    const auto id = parse_id(mend.name);
    if (id && registry_.lives(*id)) return lives_again(*id);
    const auto path = StateFiles(sight_.config.state).move_log_to_lost(mend.name);
    return path ? printable("moved to " + *path) : gone_already;
}

std::string Mender::mend_it(const MoveTemplateToLost& mend) {
    const auto path = StateFiles(sight_.config.state).move_template_to_lost(mend.name);
    return path ? printable("moved to " + *path) : gone_already;
}

std::string Mender::mend_it(const EndTemplate& mend) {
    const auto domain = hypervisors_.vms.domain(mend.uuid);
    if (!domain || !sight_.is_template(*domain)) return gone_already;
    hypervisors_.vms.destroy(mend.uuid);
    return "destroyed";
}

std::string Mender::mend_it(const ForgetHost& mend) {
    const auto network = hypervisors_.vms.network(mend.network);
    if (!network || std::find(network->hosts.begin(), network->hosts.end(), mend.host) == network->hosts.end())
        return gone_already;
    hypervisors_.vms.forget_host(mend.network, mend.host.address);
    return "removed from the network's DNS";
}

std::string Mender::mend_it(const RemoveName& mend) {
    const bool was_there = NameFiles(sight_.config.state).remove(mend.line);
    return was_there ? "removed from the network's DNS" : gone_already;
}

std::string Mender::mend_it(const RemoveLine& mend) {
    HostsFile(tools_.hosts_file, sight_.config.instance).remove(mend.line);
    return fmt::format("removed from {}", tools_.hosts_file);
}

}  // namespace drover::fsck
