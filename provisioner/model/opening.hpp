#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/guest.hpp"
#include "model/time.hpp"

namespace drover {

enum class Protocol { tcp, udp };
std::string_view to_text(Protocol protocol);
/// Error{usage} naming an unknown word.
Protocol parse_protocol(std::string_view text);

/// A port of a guest: "1098/tcp".
struct ServicePort {
    int port = 0;  ///< 1 - 65535
    Protocol protocol = Protocol::tcp;
    auto operator<=>(const ServicePort&) const = default;  // NOLINT(modernize-use-nullptr): the 0 is clang 14's own
};
/// Error{usage} naming the text: no number, 0, beyond 65535, a range, no protocol or an unknown one.
ServicePort parse_service_port(std::string_view text);
std::string to_text(const ServicePort& port);

/// "20000-29999", or one port.
struct PortRange {
    int first = 1, last = 65535;
    bool operator==(const PortRange&) const = default;
    [[nodiscard]] bool contains(int port) const { return first <= port && port <= last; }
};
/// Error{usage} naming the text.
PortRange parse_port_range(std::string_view text);
std::string to_text(const PortRange& range);

/// What a site says of ports: "22/tcp", "6000-6063/tcp", "1024-65535" of both protocols.
struct PortRule {
    PortRange range;
    std::optional<Protocol> protocol{};  ///< none: any
    bool operator==(const PortRule&) const = default;
    [[nodiscard]] bool covers(const ServicePort& port) const {
        return range.contains(port.port) && protocol.value_or(port.protocol) == port.protocol;
    }
};
/// Error{usage} naming the text.
PortRule parse_port_rule(std::string_view text);
std::string to_text(const PortRule& rule);
bool covers(const std::vector<PortRule>& rules, const ServicePort& port);

/// What users may open, and for how long.
struct OpeningPolicy {
    std::vector<PortRule> ports{{.range = {1024, 65535}}};  ///< that may be opened
    std::vector<PortRule> never;                            ///< of these, all the same, not
    std::vector<PortRule> always{{{22, 22}, Protocol::tcp}, {{80, 80}, Protocol::tcp}, {{443, 443}, Protocol::tcp}};
    Duration lasts = std::chrono::minutes(90);  ///< where nobody says how long
    Duration longest = std::chrono::hours(8);   ///< from now, also once it is extended
    int most = 20;                              ///< of one guest at once
    bool cut = true;                            ///< established connections end with their opening
    PortRange host_ports{20000, 29999};         ///< of the host, on which ports of guests are published
    bool operator==(const OpeningPolicy&) const = default;
};

/// Who may come in: an IPv4 or IPv6 prefix.
struct Source {
    int family = 4;  ///< 4 or 6
    std::array<std::uint8_t, 16> bytes{};
    int prefix = 0;
    bool operator==(const Source&) const = default;

    /// Whether all of it lies in the subnet.
    [[nodiscard]] bool lies_in(const Subnet& subnet) const;
    [[nodiscard]] bool lies_in(const Subnet6& subnet) const;
};
/// "192.168.7.0/24" or an address alone. Error{usage} naming the text: none of both, host bits set, or nobody's:
/// loopback, multicast, this network.
Source parse_source(std::string_view text);
/// The shortest form: an address alone where it is one.
std::string to_text(const Source& source);
/// Whether everybody is in it.
inline bool is_everybody(const Source& source) { return source.prefix == 0; }

/// A port of a guest that is open for a limited time.
struct Opening {
    long long id = 0;
    GuestId guest = 0;
    std::string guest_name;
    std::optional<std::string> owner;
    ServicePort port;
    std::string source;            ///< to_text(Source); empty: from everywhere
    std::optional<int> host_port;  ///< of the host, where it is published
    Time opened;
    Duration left{0};  ///< until it closes, by time that certainly passed; 0 or less: it is over
    bool extended = false;
    std::string who, reason;
};

/// `drover open`.
struct OpeningRequest {
    std::string guest;
    ServicePort port;
    std::optional<Duration> lasts{};  ///< none: as the site says
    std::string source{};             ///< to_text(Source); empty: everybody
    std::string reason{};
    bool publish = false;  ///< also where the network is routed

    bool operator==(const OpeningRequest&) const = default;
};

}  // namespace drover
