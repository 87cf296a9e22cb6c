#include "model/routing.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "model/error.hpp"
#include "model/words.hpp"

namespace drover {
namespace {

constexpr long long last_asn = 4'294'967'294;
constexpr Words<RoutingProtocol, 3> protocols{"routing protocol", {"none", "ospf", "bgp"}};

bool is_address(const std::string& text) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return inet_pton(text.find(':') == std::string::npos ? AF_INET : AF_INET6, text.c_str(), bytes.data()) == 1;
}

}  // namespace

std::string_view to_text(RoutingProtocol protocol) { return protocols.text(protocol); }
RoutingProtocol parse_routing_protocol(std::string_view text) { return protocols.parse(text); }

Neighbour parse_neighbour(std::string_view text) {
    const auto space = std::min(text.find(' '), text.size());
    Neighbour neighbour{std::string(text.substr(0, space)), 0};
    const auto number = text.substr(std::min(space + 1, text.size()));
    const auto [end, error] = std::from_chars(number.begin(), number.end(), neighbour.asn);
    const bool is_number = error == std::errc() && end == number.end();
    if (is_address(neighbour.address) && is_number && neighbour.asn >= 1 && neighbour.asn <= last_asn) return neighbour;
    throw Error(ErrorKind::usage,
                fmt::format("'{}' is no neighbour: its address and its AS, like '10.0.0.1 65001'", text));
}

}  // namespace drover
