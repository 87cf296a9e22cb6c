#pragma once
#include <optional>
#include <string>

#include "hypervisor/domains.hpp"
#include "hypervisor/ownership.hpp"

/// Domain XML, pure: text in, text out.
namespace drover {

/// The name of the virtio-serial port that is a vm's control channel.
inline constexpr const char* channel_name = "drover.control";

/// Who a domain belongs to and what it was started as: `<drover:guest xmlns:drover="urn:drover:1" .../>`.
struct OwnerTag {
    std::string registry;
    GuestId id = 0;
    std::string name, owner;  ///< owner empty: a pool's
    Make make;

    bool operator==(const OwnerTag&) const = default;
};

/// The XML namespace of the tag.
inline constexpr const char* tag_namespace = "urn:drover:1";

/// The domain of a guest. Error{usage} for a text that XML cannot hold.
std::string to_xml(const DomainSpec& spec);
/// A container: the guest's end as first process, on a root and an overlay that are mounted when it is started. Its
/// root is an ordinary user of the host, its network its own; memory and processors are bounded.
std::string container_xml(const DomainSpec& spec);
/// The same for libvirt's test driver, which runs nothing: no more than tells it apart and what it holds.
std::string test_xml(const DomainSpec& spec);

/// A domain of kind kvm that does nothing but boot, with the kernel parameter "drover.probe", and is gone when it ends.
/// `user`: "+uid:+gid" that QEMU runs as.
std::string probe_xml(const Ownership& ownership, const std::string& kernel, const std::string& initrd,
                      const std::string& user);

/// The tag's element alone, as virDomainSetMetadata takes it: without its prefix.
std::string tag_xml(const DomainSpec& spec);

/// The tag in a domain's XML, or the tag's element alone as virDomainGetMetadata gives it (without its prefix). None
/// unless every attribute is there once and right: numbers plain, the version "sha256:<64 hex>" or empty.
std::optional<OwnerTag> read_tag(const std::string& xml);

/// The socket of a running domain's control channel, from its live XML; none when it has no such channel.
std::optional<std::string> read_channel_path(const std::string& xml);

/// The tty on this host that is a running container's control channel, its second console; none when it has none.
std::optional<std::string> read_second_tty_path(const std::string& xml);

/// The tty on this host that is a running domain's console: a vm's serial line, a container's first console.
std::optional<std::string> read_serial_path(const std::string& xml);
std::optional<std::string> read_first_tty_path(const std::string& xml);

/// The user "+uid:+gid" that a hypervisor runs its vms as, from its capabilities; none when it does not say.
std::optional<std::string> read_user(const std::string& capabilities);

}  // namespace drover
