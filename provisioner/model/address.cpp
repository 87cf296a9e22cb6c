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

std::string mac_of(std::int64_t guest_id) {
    return fmt::format("52:54:00:{:02x}:{:02x}:{:02x}", guest_id >> 16 & 255, guest_id >> 8 & 255, guest_id & 255);
}

unsigned first_uid_of(const Subnet& subnet, Address address, unsigned first) {
    constexpr std::uint64_t beyond = 0xffff0000;  // the last range has the kernel's "nobody at all" in it
    const auto uid = first + std::uint64_t{address.value - subnet.network.value} * users_per_guest;
    if (uid < beyond) return static_cast<unsigned>(uid);
    throw Error(ErrorKind::refused,
                fmt::format("{} is too far up in {} for a container's users", to_text(address), to_text(subnet)),
                "a subnet of prefix 18 or longer has users for all: network.cidr");
}

}  // namespace drover
