#include "model/opening.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "model/error.hpp"

namespace drover {
namespace {

/// A number as people write it: digits alone, no leading zero.
std::optional<int> read_number(std::string_view text, int most) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    if (!whole || text.front() == '-' || (text.size() > 1 && text.front() == '0') || number > most) return std::nullopt;
    return number;
}

std::optional<int> read_port(std::string_view text) {
    const auto port = read_number(text, 65535);
    return port && *port > 0 ? port : std::nullopt;
}

Error no_port(std::string_view text, std::string_view why) {
    return {ErrorKind::usage, fmt::format("'{}' is no port: {}", text, why),
            "a number from 1 to 65535 and tcp or udp, like 1098/tcp"};
}

struct Block {
    Source source;
    const char* what;
};

/// What nobody outside can be.
const std::array<Block, 5>& nobody() {
    static const std::array<Block, 5> blocks{Block{{4, {127}, 8}, "this host itself"}, Block{{4, {0}, 8}, "no address"},
                                             Block{{4, {224}, 3}, "multicast or reserved"},
                                             Block{{6, {0xff}, 8}, "multicast"},
                                             Block{{6, {}, 127}, "this host itself"}};
    return blocks;
}

bool contains(const Source& block, const Source& inner) {
    if (block.family != inner.family || block.prefix > inner.prefix) return false;
    for (int bit = 0; bit < block.prefix; ++bit) {
        const auto at = static_cast<std::size_t>(bit / 8);
        const auto mask = 128U >> (bit % 8U);
        if (((block.bytes.at(at) ^ inner.bytes.at(at)) & mask) != 0) return false;
    }
    return true;
}

bool has_host_bits(const Source& source) {
    const int bits = source.family == 4 ? 32 : 128;
    for (int bit = source.prefix; bit < bits; ++bit)
        if ((source.bytes.at(static_cast<std::size_t>(bit / 8)) & (128U >> (bit % 8U))) != 0) return true;
    return false;
}

}  // namespace

std::string_view to_text(Protocol protocol) { return protocol == Protocol::tcp ? "tcp" : "udp"; }

Protocol parse_protocol(std::string_view text) {
    if (text == "tcp") return Protocol::tcp;
    if (text == "udp") return Protocol::udp;
    throw Error(ErrorKind::usage, fmt::format("'{}' is no protocol", text), "tcp or udp");
}

ServicePort parse_service_port(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) throw no_port(text, "it names no protocol");
    const auto number = text.substr(0, slash), protocol = text.substr(slash + 1);
    if (number.find('-') != std::string_view::npos && number.front() != '-')
        throw no_port(text, "a range; each port is opened alone");
    if (protocol != "tcp" && protocol != "udp") throw no_port(text, fmt::format("'{}' is no protocol", protocol));
    const auto port = read_port(number);
    if (!port) throw no_port(text, fmt::format("'{}' is no number from 1 to 65535", number));
    return {*port, parse_protocol(protocol)};
}

std::string to_text(const ServicePort& port) { return fmt::format("{}/{}", port.port, to_text(port.protocol)); }

PortRange parse_port_range(std::string_view text) {
    const auto dash = std::min(text.find('-'), text.size());
    const auto first = read_port(text.substr(0, dash));
    const auto last = dash == text.size() ? first : read_port(text.substr(dash + 1));
    if (first && last && *first <= *last) return {*first, *last};
    throw Error(ErrorKind::usage, fmt::format("'{}' is no range of ports", text), "like 1024-65535, or one port");
}

std::string to_text(const PortRange& range) {
    return range.first == range.last ? std::to_string(range.first) : fmt::format("{}-{}", range.first, range.last);
}

PortRule parse_port_rule(std::string_view text) {
    const auto slash = std::min(text.find('/'), text.size());
    PortRule rule{parse_port_range(text.substr(0, slash))};
    if (slash < text.size()) rule.protocol = parse_protocol(text.substr(slash + 1));
    return rule;
}

std::string to_text(const PortRule& rule) {
    return rule.protocol ? fmt::format("{}/{}", to_text(rule.range), to_text(*rule.protocol)) : to_text(rule.range);
}

bool covers(const std::vector<PortRule>& rules, const ServicePort& port) {
    return std::any_of(rules.begin(), rules.end(), [&](const PortRule& rule) { return rule.covers(port); });
}

bool Source::lies_in(const Subnet& subnet) const {
    if (family != 4 || prefix < subnet.prefix) return false;
    const std::uint32_t value = std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
                                std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
    return subnet.contains({value});
}

bool Source::lies_in(const Subnet6& subnet) const {
    return family == 6 && prefix >= subnet.prefix && subnet.contains(Address6{bytes});
}

Source parse_source(std::string_view text) {
    const auto slash = std::min(text.find('/'), text.size());
    const std::string address(text.substr(0, slash));
    Source source{.family = address.find(':') == std::string::npos ? 4 : 6};
    const int bits = source.family == 4 ? 32 : 128;
    const bool is_address =
        ::inet_pton(source.family == 4 ? AF_INET : AF_INET6, address.c_str(), source.bytes.data()) == 1;
    const auto prefix = slash == text.size() ? std::optional(bits) : read_number(text.substr(slash + 1), bits);
    if (!is_address || !prefix)
        throw Error(ErrorKind::usage, fmt::format("'{}' is no network", text),
                    "an address, or a network like 192.168.7.0/24");
    source.prefix = *prefix;
    if (has_host_bits(source))
        throw Error(ErrorKind::usage, fmt::format("'{}' has bits of a host set", text),
                    fmt::format("one host is written without /{}", *prefix));
    if (is_everybody(source)) return source;
    for (const auto& block : nobody())
        if (contains(block.source, source))
            throw Error(ErrorKind::usage, fmt::format("'{}' is {}: nobody comes from there", text, block.what));
    return source;
}

std::string to_text(const Source& source) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(source.family == 4 ? AF_INET : AF_INET6, source.bytes.data(), text.data(), text.size());
    const int bits = source.family == 4 ? 32 : 128;
    return source.prefix == bits ? std::string(text.data()) : fmt::format("{}/{}", text.data(), source.prefix);
}

}  // namespace drover
