#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace drover {

/// An IPv4 address in host byte order.
struct Address {
    std::uint32_t value = 0;
    auto operator<=>(const Address&) const = default;  // NOLINT(modernize-use-nullptr): the 0 is clang 14's own
};

/// Dotted quad. Error{usage} naming the text when it is none.
Address parse_address(std::string_view text);
std::string to_text(Address address);

/// An IPv4 subnet: network address and prefix length, e.g. 10.77.0.0/16.
struct Subnet {
    Address network;
    int prefix = 24;

    auto operator<=>(const Subnet&) const = default;  // NOLINT(modernize-use-nullptr): the 0 is clang 14's own
    /// The first usable address: the gateway, which is the host.
    [[nodiscard]] Address gateway() const { return {network.value + 1}; }
    /// The first and the last address that guests may get.
    [[nodiscard]] Address first() const { return {network.value + 2}; }
    [[nodiscard]] Address last() const { return {network.value + (1U << (32 - prefix)) - 2}; }
    /// 255.255.0.0 and the like.
    [[nodiscard]] Address netmask() const { return {~((1U << (32 - prefix)) - 1)}; }
    [[nodiscard]] bool contains(Address address) const { return (address.value & netmask().value) == network.value; }
    [[nodiscard]] bool overlaps(const Subnet& other) const {
        return contains(other.network) || other.contains(network);
    }
};

/// "10.77.0.0/16", prefix 8-29, host bits zero. Error{usage} naming the text otherwise.
Subnet parse_subnet(std::string_view text);
std::string to_text(const Subnet& subnet);

/// The MAC of a guest: 52:54:00 (the prefix of QEMU's locally administered addresses) and the low 24 bits of its id.
std::string mac_of(std::int64_t guest_id);

/// How many users of the host a container's are shown as.
inline constexpr unsigned users_per_guest = 65536;

/// The first of the host's users that belong to the guest with this address: each address of the subnet has
/// users_per_guest of its own, counted from `first`. Error{refused} when the host has no more users.
unsigned first_uid_of(const Subnet& subnet, Address address, unsigned first);

}  // namespace drover
