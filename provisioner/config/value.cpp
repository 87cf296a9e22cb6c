#include "config/value.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "model/address.hpp"
#include "model/error.hpp"
#include "model/names.hpp"

namespace drover {
namespace {

constexpr long long mib = 1LL << 20;

Error wrong(const std::string& value, const std::string& expected) {
    return {ErrorKind::usage, fmt::format("{}, expected {}", value, expected)};
}

bool is_letter_or_digit(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9');
}

bool all_of_text(const std::string& text, std::string_view extra) {
    return std::all_of(text.begin(), text.end(), [&](char letter) {
        return is_letter_or_digit(letter) || extra.find(letter) != std::string_view::npos;
    });
}

std::string size_text(long long bytes) {
    return bytes % (1LL << 30) == 0 ? fmt::format("{}GiB", bytes >> 30) : fmt::format("{}MiB", bytes >> 20);
}

bool is_private(const Subnet& subnet) {
    for (const auto* range : {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"}) {
        const Subnet wide = parse_subnet(range);
        if (wide.contains(subnet.network) && subnet.prefix >= wide.prefix) return true;
    }
    return false;
}

}  // namespace

std::string shown(const YAML::Node& node) {
    if (!node.IsDefined() || node.IsNull()) return "nothing";
    if (node.IsSequence()) return "a list";
    if (node.IsMap()) return "a group of keys";
    constexpr std::size_t longest = 80;
    const auto& text = node.Scalar();
    return text.size() <= longest ? "'" + text + "'" : "'" + text.substr(0, longest) + "...'";
}

std::string Value::text() const {
    if (!node_.IsScalar()) throw wrong(shown(node_), "a text");
    return node_.Scalar();
}

std::string Value::plain(const std::string& expected) const {
    constexpr auto quoted = "!";  // yaml-cpp's tag of a scalar in quotes
    if (!node_.IsScalar() || node_.Tag() == quoted) throw wrong(shown(node_), expected + " without quotes");
    return node_.Scalar();
}

std::string Value::one_of(const std::vector<std::string>& words) const {
    const auto value = text();
    if (std::find(words.begin(), words.end(), value) != words.end()) return value;
    throw wrong(shown(node_), fmt::format("one of: {}", fmt::join(words, ", ")));
}

std::string Value::checked(void (*check)(std::string_view)) const {
    auto value = text();
    check(value);
    return value;
}

int Value::number(int least, int most) const {
    const auto expected = fmt::format("a whole number from {} to {}", least, most);
    const auto value = plain(expected);
    int result = 0;
    const auto* end = value.data() + value.size();
    const auto parsed = std::from_chars(value.data(), end, result);
    if (parsed.ec != std::errc() || parsed.ptr != end || result < least || result > most) {
        throw wrong(shown(node_), expected);
    }
    return result;
}

bool Value::flag() const {
    const auto value = plain("true or false");
    if (value == "true" || value == "false") return value == "true";
    throw wrong(shown(node_), "true or false");
}

Duration Value::duration(Duration least, Duration most) const {
    const auto result = parse_duration(text());
    if (result >= least && result <= most) return result;
    throw wrong(shown(node_), fmt::format("a duration from {} to {}", to_text(least), to_text(most)));
}

long long Value::size(long long least, long long most) const {
    const auto result = parse_size(text());
    if (result >= least && result <= most && result % mib == 0) return result;
    throw wrong(shown(node_), fmt::format("whole MiB from {} to {}", size_text(least), size_text(most)));
}

std::string Value::path(std::size_t longest) const {
    const auto value = text();
    const bool good = value.size() > 1 && value.size() <= longest && value.front() == '/' && value.back() != '/' &&
                      all_of_text(value, "/._-") && value.find("//") == std::string::npos &&
                      (value + "/").find("/./") == std::string::npos && (value + "/").find("/../") == std::string::npos;
    if (good) return value;
    throw wrong(
        shown(node_),
        fmt::format("an absolute path of letters, digits and / . _ -, at most {} bytes, without . or ..", longest));
}

std::string Value::uri() const {
    const auto value = text();
    const bool good = value.size() <= 255 && value.find(":/") != std::string::npos &&
                      std::all_of(value.begin(), value.end(), [](char letter) { return letter > ' ' && letter < 127; });
    if (good) return value;
    throw wrong(shown(node_), "a libvirt URI like qemu:///system");
}

std::string Value::cidr() const {
    const auto value = text();
    if (value == "auto" || is_private(parse_subnet(value))) return value;
    throw wrong(shown(node_), "auto, or a subnet inside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10");
}

std::string Value::cidr6() const {
    const auto value = text();
    if (value == "auto" || value == "none") return value;
    const auto subnet = parse_subnet6(value);
    const auto first = subnet.network.bytes[0];
    if ((first & 0xe0) == 0x20 || (first & 0xfe) == 0xfc) return to_text(subnet);
    throw wrong(shown(node_), "auto, none, or a prefix inside fc00::/7 or 2000::/3");
}

std::string Value::address() const { return to_text(parse_address(text())); }

std::string Value::address6() const { return to_text(parse_address6(text())); }

std::string Value::address_range() const {
    const auto value = text();
    const auto dash = std::min(value.find('-'), value.size());
    if (dash < value.size()) {
        const auto first = parse_address(value.substr(0, dash)), last = parse_address(value.substr(dash + 1));
        if (first <= last) return fmt::format("{}-{}", to_text(first), to_text(last));
    }
    throw wrong(shown(node_), "two addresses like 10.1.2.100-10.1.2.199, the lower one first");
}

std::string Value::interface() const {
    const auto value = text();
    if (!value.empty() && value.size() <= 15 && value.front() != '.' && all_of_text(value, "._-")) return value;
    throw wrong(shown(node_), "the name of an interface, at most 15 letters, digits and . _ -");
}

std::string Value::endpoint() const {
    const auto value = text();
    const auto colon = std::min(value.find(':'), value.size());
    const auto number = value.substr(std::min(colon + 1, value.size()));
    int port = 0;
    const auto* end = number.data() + number.size();
    const bool is_number = std::from_chars(number.data(), end, port).ptr == end && std::to_string(port) == number;
    in_addr address{};
    const bool is_address = ::inet_pton(AF_INET, value.substr(0, colon).c_str(), &address) == 1;
    if (is_address && is_number && port > 0 && port <= 65535) return value;
    throw wrong(shown(node_), "an IPv4 address and a port, like 127.0.0.1:9100");
}

std::string Value::domain() const {
    const auto value = text();
    if (value.size() > 190) throw wrong(shown(node_), "at most 190 bytes, so that a guest's name fits in front");
    for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
        end = value.find('.', begin);
        check_guest_name(value.substr(begin, end == std::string::npos ? end : end - begin));
    }
    return value;
}

std::string Value::token() const {
    const auto value = text();
    if (!value.empty() && value.size() <= 64 && all_of_text(value, "-")) return value;
    throw wrong(shown(node_), "1-64 letters, digits and -");
}

std::string Value::account() const {
    constexpr std::uint32_t no_uid = 0xffffffff;
    auto value = text();
    std::uint32_t uid = no_uid;
    const auto* end = value.data() + value.size();
    const bool number = std::from_chars(value.data(), end, uid).ptr == end && std::to_string(uid) == value;
    if (number && uid != no_uid) return value;
    check_login(value);
    return value;
}

std::vector<Value> Value::list() const {
    constexpr std::size_t most = 32;
    if (!node_.IsSequence() || node_.size() > most) throw wrong(shown(node_), "a list of at most 32");
    std::vector<Value> entries;
    for (const auto& entry : node_) entries.emplace_back(entry);
    return entries;
}

std::vector<std::string> Value::interfaces() const {
    std::vector<std::string> names;
    for (const Value& entry : list()) names.push_back(entry.interface());
    return names;
}

std::vector<Neighbour> Value::neighbours() const {
    std::vector<Neighbour> neighbours;
    for (const Value& entry : list()) neighbours.push_back(parse_neighbour(entry.text()));
    return neighbours;
}

PortRange Value::port_range() const {
    const auto range = parse_port_range(text());
    if (range.first >= 1024) return range;
    throw wrong(shown(node_), "a range of ports from 1024 on: those below are the system's");
}

std::vector<PortRule> Value::port_rules() const {
    constexpr std::size_t most = 100;
    std::vector<PortRule> rules;
    if (node_.IsScalar()) return {parse_port_rule(text())};
    if (!node_.IsSequence() || node_.size() > most)
        throw wrong(shown(node_), "a list of at most 100 ports like 22/tcp, or ranges like 6000-6063");
    for (const auto& entry : node_) rules.push_back(parse_port_rule(Value(entry).text()));
    return rules;
}

WavePolicy Value::wave_policy() const { return parse_wave_policy(text()); }

}  // namespace drover
