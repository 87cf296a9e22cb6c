#include "model/routing.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "model/error.hpp"
#include "model/words.hpp"

namespace drover {
namespace {

constexpr Words<RoutingProtocol, 3> protocols{"routing protocol", {"none", "ospf", "bgp"}};

bool is_address(const std::string& text) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return inet_pton(text.find(':') == std::string::npos ? AF_INET : AF_INET6, text.c_str(), bytes.data()) == 1;
}

}  // namespace

std::string_view to_text(RoutingProtocol protocol) { return protocols.text(protocol); }
RoutingProtocol parse_routing_protocol(std::string_view text) { return protocols.parse(text); }

long long parse_asn(std::string_view text) {
    constexpr long long last = 4'294'967'294;
    long long asn = 0;
    const auto [end, error] = std::from_chars(text.begin(), text.end(), asn);
    if (error == std::errc() && end == text.end() && asn >= 1 && asn <= last) return asn;
    throw Error(ErrorKind::usage, fmt::format("'{}' is no AS: a number from 1 to {}", text, last));
}

Neighbour parse_neighbour(std::string_view text) {
    const auto space = text.find(' ');
    const std::string address(text.substr(0, space));
    if (space == std::string_view::npos || !is_address(address))
        throw Error(ErrorKind::usage,
                    fmt::format("'{}' is no neighbour: its address and its AS, like '10.0.0.1 65001'", text));
    return {address, parse_asn(text.substr(space + 1))};
}

}  // namespace drover
