#pragma once
#include <array>
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

/// An IPv6 address, its bytes as they are sent.
struct Address6 {
    std::array<std::uint8_t, 16> bytes{};
    auto operator<=>(const Address6&) const = default;
};

/// Any of the ways to write one, without a zone. Error{usage} naming the text when it is none.
Address6 parse_address6(std::string_view text);
/// The short form of RFC 5952: "fd12::9".
std::string to_text(const Address6& address);

/// An IPv6 subnet, e.g. fd12:3456:789a::/64.
struct Subnet6 {
    Address6 network;
    int prefix = 64;

    auto operator<=>(const Subnet6&) const = default;
    /// The address with this number in it; the number must fit.
    [[nodiscard]] Address6 at(std::uint32_t number) const;
    /// The first usable address: the gateway, which is the host.
    [[nodiscard]] Address6 gateway() const { return at(1); }
    [[nodiscard]] bool contains(const Address6& address) const;
    [[nodiscard]] bool overlaps(const Subnet6& other) const {
        return contains(other.network) || other.contains(network);
    }
    /// Whether each address of `subnet` has one of its own in here.
    [[nodiscard]] bool fits(const Subnet& subnet) const { return 128 - prefix >= 32 - subnet.prefix; }
};

/// "fd12::/64", prefix 16-120, host bits zero. Error{usage} naming the text otherwise.
Subnet6 parse_subnet6(std::string_view text);
std::string to_text(const Subnet6& subnet);

/// The unique local /64 of a registry's network, by the registry's UUID (random enough for RFC 4193) and the network's
/// name.
Subnet6 own_subnet6(std::string_view registry, std::string_view network);

/// The MAC of a guest: 52:54:00 (the prefix of QEMU's locally administered addresses) and the low 24 bits of its id.
std::string mac_of(std::int64_t guest_id);

/// How many users of the host a container's are shown as.
inline constexpr unsigned users_per_guest = 65536;

/// The first of the host's users that belong to the guest with this address: each address of the subnet has
/// users_per_guest of its own, counted from `first` and after `before` addresses of other subnets. Error{refused} when
/// the host has no more users.
unsigned first_uid_of(const Subnet& subnet, Address address, unsigned first, std::uint64_t before = 0);

}  // namespace drover
