#include "model/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "model/error.hpp"

namespace drover {
namespace {

std::optional<Address> read_address(std::string_view text) {
    in_addr raw{};
    if (text.find('\0') != std::string_view::npos) return std::nullopt;
    if (inet_pton(AF_INET, std::string(text).c_str(), &raw) != 1) return std::nullopt;
    return Address{ntohl(raw.s_addr)};
}

std::optional<int> read_prefix(std::string_view text) {
    int prefix = 0;
    const auto* end = text.data() + text.size();
    if (text.empty() || text.size() > 2 || std::from_chars(text.data(), end, prefix).ptr != end) return std::nullopt;
    if (prefix < 8 || prefix > 29) return std::nullopt;
    return prefix;
}

Address6 masked(Address6 address, int prefix) {
    for (int bit = prefix; bit < 128; ++bit)
        address.bytes[static_cast<std::size_t>(bit / 8)] &= static_cast<std::uint8_t>(~(128 >> bit % 8));
    return address;
}

}  // namespace

Address parse_address(std::string_view text) {
    if (const auto address = read_address(text)) return *address;
    throw Error(ErrorKind::usage, fmt::format("'{}' is no IPv4 address", text), "written like 10.77.0.2");
}

std::string to_text(Address address) {
    const auto v = address.value;
    return fmt::format("{}.{}.{}.{}", v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255);
}

Subnet parse_subnet(std::string_view text) {
    const auto slash = text.find('/');
    const auto network = read_address(text.substr(0, slash));
    const auto prefix = slash == std::string_view::npos ? std::nullopt : read_prefix(text.substr(slash + 1));
    if (!network || !prefix)
        throw Error(ErrorKind::usage, fmt::format("'{}' is no IPv4 subnet", text),
                    "written like 10.77.0.0/16, prefix length 8 to 29");
    const Subnet subnet{*network, *prefix};
    const Address masked{network->value & subnet.netmask().value};
    if (masked != *network)
        throw Error(ErrorKind::usage, fmt::format("'{}' has host bits set", text),
                    fmt::format("the subnet is {}/{}", to_text(masked), *prefix));
    return subnet;
}

std::string to_text(const Subnet& subnet) { return fmt::format("{}/{}", to_text(subnet.network), subnet.prefix); }

Address6 parse_address6(std::string_view text) {
    Address6 address;
    const bool clean = text.find('\0') == std::string_view::npos;
    if (clean && inet_pton(AF_INET6, std::string(text).c_str(), address.bytes.data()) == 1) return address;
    throw Error(ErrorKind::usage, fmt::format("'{}' is no IPv6 address", text), "written like fd12:3456::2");
}

std::string to_text(const Address6& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(AF_INET6, address.bytes.data(), text.data(), text.size());
    return text.data();
}

Address6 Subnet6::at(std::uint32_t number) const {
    Address6 address = network;
    for (std::size_t i = 0; i < 4; ++i) address.bytes[15 - i] |= static_cast<std::uint8_t>(number >> (8 * i) & 255);
    return address;
}

bool Subnet6::contains(const Address6& address) const { return masked(address, prefix) == network; }

Subnet6 parse_subnet6(std::string_view text) {
    const auto slash = text.find('/');
    int prefix = 0;
    const auto number = slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
    const auto* end = number.data() + number.size();
    const bool is_number = !number.empty() && number.size() <= 3 && number.front() != '0' &&
                           std::from_chars(number.data(), end, prefix).ptr == end;
    if (!is_number || prefix < 16 || prefix > 120)
        throw Error(ErrorKind::usage, fmt::format("'{}' is no IPv6 subnet", text),
                    "written like fd12:3456:789a::/64, prefix length 16 to 120");
    const Subnet6 subnet{parse_address6(text.substr(0, slash)), prefix};
    if (const auto network = masked(subnet.network, prefix); network != subnet.network)
        throw Error(ErrorKind::usage, fmt::format("'{}' has host bits set", text),
                    fmt::format("the subnet is {}/{}", to_text(network), prefix));
    return subnet;
}

std::string to_text(const Subnet6& subnet) { return fmt::format("{}/{}", to_text(subnet.network), subnet.prefix); }

Subnet6 own_subnet6(std::string_view registry, std::string_view network) {
    constexpr std::uint8_t unique_local = 0xfd;
    Subnet6 subnet{{{unique_local}}, 64};
    std::size_t digit = 0;
    for (const char c : registry) {  // 40 bits of it
        if (c == '-' || digit == 10) continue;
        const int value = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
        subnet.network.bytes[1 + digit / 2] |= static_cast<std::uint8_t>(value << (digit % 2 == 0 ? 4 : 0));
        ++digit;
    }
    std::uint32_t hash = 0;  // the default one, without a name, has 0
    for (const char c : network) hash = hash * 37 + static_cast<unsigned char>(c);
    const std::uint32_t id = network.empty() ? 0 : hash % 0xffff + 1;
    subnet.network.bytes[6] = static_cast<std::uint8_t>(id >> 8);
    subnet.network.bytes[7] = static_cast<std::uint8_t>(id & 255);
    return subnet;
}

std::string mac_of(std::int64_t guest_id) {
    return fmt::format("52:54:00:{:02x}:{:02x}:{:02x}", guest_id >> 16 & 255, guest_id >> 8 & 255, guest_id & 255);
}

unsigned first_uid_of(const Subnet& subnet, Address address, unsigned first, std::uint64_t before) {
    constexpr std::uint64_t beyond = 0xffff0000;  // the last range has the kernel's "nobody at all" in it
    const auto uid = first + (before + (address.value - subnet.network.value)) * users_per_guest;
    if (uid < beyond) return static_cast<unsigned>(uid);
    throw Error(ErrorKind::refused,
                fmt::format("{} is too far up in {} for a container's users", to_text(address), to_text(subnet)),
                "all networks together have users for some 30,000 addresses: narrower subnets in the configuration, "
                "cidr");
}

}  // namespace drover
