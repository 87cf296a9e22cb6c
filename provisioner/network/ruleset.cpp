#include "network/ruleset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "model/names.hpp"

namespace drover {
namespace {

/// "tcp . 22, udp . 53", a rule of both protocols as two.
std::string port_set(const std::vector<PortRule>& rules) {
    std::vector<std::string> entries;
    for (const PortRule& rule : rules)
        for (const auto protocol : {Protocol::tcp, Protocol::udp})
            if (rule.protocol.value_or(protocol) == protocol)
                entries.push_back(fmt::format("{} . {}", to_text(protocol), to_text(rule.range)));
    return fmt::format("{}", fmt::join(entries, ", "));
}

// ---- the table of the bridges -------------------------------------------------------------------------------------

/// Who a guest says that it is, in every language it speaks. `th` of an advertisement: its target is at byte 8.
/// Who listens to which group is for the bridge to know: each report would wake all other guests.
constexpr const char* bridge_chains = R"(
    set macs { type ifname . ether_addr; }
    set addresses4 { type ifname . ipv4_addr; }
    set addresses6 { type ifname . ipv6_addr; }
    set targets6 { typeof iifname . @th,64,128; }
    map circles { type ifname : mark; }
    set members { type ifname . mark; }
    chain prerouting {
        type filter hook prerouting priority -300; policy accept;
        iifname "@*" goto guest
    }
    chain guest {
        iifname . ether saddr != @macs drop
        ether type arp goto guest_arp
        ether type ip goto guest_ip
        ether type ip6 goto guest_ip6
        drop
    }
    chain guest_arp {
        arp htype != 1 drop
        arp ptype != 0x0800 drop
        arp hlen != 6 drop
        arp plen != 4 drop
        iifname . arp saddr ether != @macs drop
        arp operation request arp saddr ip 0.0.0.0 iifname . arp daddr ip @addresses4 accept
        arp operation { request, reply } iifname . arp saddr ip @addresses4 accept
        drop
    }
    chain guest_ip {
        udp sport 67 drop
        udp dport 68 drop
        igmp type membership-query drop
        ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept
        iifname . ip saddr @addresses4 accept
        drop
    }
    chain guest_ip6 {
        udp sport 547 drop
        udp dport 546 drop
        icmpv6 type { nd-router-advert, nd-redirect, mld-listener-query } drop
        icmpv6 type nd-neighbor-advert iifname . @th,64,128 != @targets6 drop
        ip6 saddr :: icmpv6 type nd-neighbor-solicit iifname . @th,64,128 @targets6 accept
        ip6 saddr :: icmpv6 type mld2-listener-report accept
        iifname . ip6 saddr @addresses6 accept
        drop
    }
    chain forward {
        type filter hook forward priority -10; policy accept;
        iifname "@*" oifname "@*" goto between
    }
    chain between {
        udp dport { 67, 547 } drop
        icmpv6 type mld2-listener-report drop
        ip daddr 224.0.0.22 drop
        meta mark set 0
        meta mark set iifname map @circles
        oifname . meta mark @members meta mark set 0 accept
        drop
    }
)";

std::string bridge_table(const FirewallPlan& plan) {
    std::string chains = bridge_chains;
    for (auto at = chains.find("\"@*"); at != std::string::npos; at = chains.find("\"@*"))
        chains.replace(at + 1, 1, device_prefix(plan.instance));
    return fmt::format("table bridge {} {{{}}}\n", table_name(plan.instance), chains);
}

// ---- the table of what is routed ----------------------------------------------------------------------------------

constexpr const char* inet_sets = R"(
    set open4 { type ipv4_addr . inet_proto . inet_service; flags timeout; }
    set open4_from { type ipv4_addr . inet_proto . inet_service . ipv4_addr; flags interval,timeout; }
    set open6 { type ipv6_addr . inet_proto . inet_service; flags timeout; }
    set open6_from { type ipv6_addr . inet_proto . inet_service . ipv6_addr; flags interval,timeout; }
    map circles4 { type ipv4_addr : mark; }
    map circles6 { type ipv6_addr : mark; }
    set members4 { type ipv4_addr . mark; }
    set members6 { type ipv6_addr . mark; }
    map published4 { type inet_proto . inet_service : ipv4_addr . inet_service; flags timeout; }
)";

/// What may be open for a while: looked up with each packet, so that it ends with its time.
std::string open_lookups(const char* guest, const char* other, const char* port) {
    std::string text;
    for (const auto* family : {"ip", "ip6"}) {
        const auto* version = family == std::string_view("ip") ? "4" : "6";
        const auto key = fmt::format("{} {} . meta l4proto . th {}", family, guest, port);
        text += fmt::format("        {} @open{} accept\n", key, version);
        text += fmt::format("        {} . {} {} @open{}_from accept\n", key, family, other, version);
    }
    return text;
}

/// A connection that came by a port of ours has no other right than that port's.
std::string only_published(const OpeningPolicy& policy) {
    std::string text;
    for (const auto protocol : {Protocol::tcp, Protocol::udp})
        text += fmt::format("        meta l4proto {} ct original proto-dst {} ct status dnat drop\n", to_text(protocol),
                            to_text(policy.host_ports));
    return text;
}

std::string always_open(const OpeningPolicy& policy, const char* port) {
    if (policy.always.empty()) return "";
    return fmt::format("        meta l4proto . th {} {{ {} }} accept\n", port, port_set(policy.always));
}

std::string into_chain(const OpeningPolicy& policy) {
    return fmt::format(
        "    chain into {{\n"
        "        meta l4proto {{ icmp, icmpv6 }} ct state related accept\n"
        "        ct state established {}accept\n"
        "        icmp type echo-request accept\n"
        "        icmpv6 type echo-request accept\n"
        "{}{}{}        drop\n    }}\n",
        policy.cut ? "ct direction reply " : "", open_lookups("daddr", "saddr", "dport"), only_published(policy),
        always_open(policy, "dport"));
}

/// What a guest answers ends with the opening too; what it asks by itself goes out.
std::string out_chains(const OpeningPolicy& policy) {
    if (!policy.cut) return "    chain out {\n        accept\n    }\n";
    return fmt::format(
        "    chain answers {{\n        meta l4proto {{ icmp, icmpv6 }} accept\n{}{}{}        drop\n    }}\n"
        "    chain out {{\n        ct state established ct direction reply goto answers\n"
        "        accept\n    }}\n",
        open_lookups("saddr", "daddr", "sport"), only_published(policy), always_open(policy, "sport"));
}

/// From a bridge to the same: by way of the host, or, where the kernel shows bridged packets to this table as well
/// (br_netfilter), what the other table has judged. Both by the same policy; nobody can tell them apart here.
std::string among_chain(const FirewallPlan& plan) {
    std::string everybody = "224.0.0.0/4, 255.255.255.255";
    for (const auto& network : plan.networks.all())
        if (network.is_own()) everybody += ", " + to_text(Address{network.subnet.last().value + 1});
    return fmt::format(
        "    chain among {{\n        ip daddr {{ {} }} accept\n        ip6 daddr ff00::/8 accept\n"
        "        meta mark set 0\n"
        "        meta mark set ip saddr map @circles4\n        meta mark set ip6 saddr map @circles6\n"
        "        ip daddr . meta mark @members4 meta mark set 0 accept\n"
        "        ip6 daddr . meta mark @members6 meta mark set 0 accept\n"
        "        meta mark set 0\n    }}\n",
        everybody);
}

std::string forward_chain(const FirewallPlan& plan) {
    std::string text = "    chain forward {\n        type filter hook forward priority filter; policy accept;\n";
    for (const auto& network : plan.networks.all())
        if (network.is_own())
            text += fmt::format("        iifname \"{0}\" oifname \"{0}\" jump among\n", network.bridge);
    for (const auto& network : plan.networks.all())
        if (network.mode == NetworkMode::isolated)
            text += fmt::format("        iifname \"{0}\" drop\n        oifname \"{0}\" drop\n", network.bridge);
    for (const auto& network : plan.networks.all())
        if (network.is_own() && network.mode != NetworkMode::isolated)
            text += fmt::format("        oifname \"{}\" goto into\n", network.bridge);
    for (const auto& network : plan.networks.all())
        if (network.is_own() && network.mode != NetworkMode::isolated)
            text += fmt::format("        iifname \"{}\" goto out\n", network.bridge);
    return text + "    }\n";
}

/// On the host itself guests reach its DNS and DHCP, and what the site says.
std::string input_chain(const FirewallPlan& plan) {
    std::string text =
        "    chain service {\n        ct state established,related accept\n        meta l4proto { icmp, icmpv6 } "
        "accept\n"
        "        udp dport { 53, 67, 547 } accept\n        tcp dport 53 accept\n";
    if (!plan.host_services.empty())
        text += fmt::format("        meta l4proto . th dport {{ {} }} accept\n", port_set(plan.host_services));
    text += "        drop\n    }\n    chain input {\n        type filter hook input priority filter; policy accept;\n";
    for (const auto& network : plan.networks.all())
        if (network.is_own()) text += fmt::format("        iifname \"{}\" goto service\n", network.bridge);
    return text + "    }\n";
}

std::string nat_chains(const FirewallPlan& plan) {
    const auto* const publish = "fib daddr type local dnat ip to meta l4proto . th dport map @published4\n";
    std::string text = fmt::format(
        "    chain prerouting {{\n        type nat hook prerouting priority dstnat; policy "
        "accept;\n        {}    }}\n    chain output {{\n        type nat hook output "
        "priority -100; policy accept;\n        ip daddr != 127.0.0.0/8 {}    }}\n",
        publish, publish);
    text += "    chain postrouting {\n        type nat hook postrouting priority srcnat; policy accept;\n";
    for (const auto& network : plan.networks.all()) {
        if (!network.is_own()) continue;
        const auto subnet = to_text(network.subnet);
        text += fmt::format("        ip saddr {0} ip daddr {0} ct status dnat masquerade\n", subnet);
        if (network.mode != NetworkMode::nat) continue;
        text += fmt::format("        ip saddr {0} ip daddr != {{ {0}, 224.0.0.0/4, 255.255.255.255 }} masquerade\n",
                            subnet);
        if (network.subnet6)
            text += fmt::format("        ip6 saddr {0} ip6 daddr != {{ {0}, fe80::/10, ff00::/8 }} masquerade\n",
                                to_text(*network.subnet6));
    }
    return text + "    }\n";
}

std::string inet_table(const FirewallPlan& plan) {
    return fmt::format("table inet {} {{{}{}{}{}{}{}{}}}\n", table_name(plan.instance), inet_sets,
                       into_chain(plan.openings), out_chains(plan.openings), among_chain(plan), forward_chain(plan),
                       input_chain(plan), nat_chains(plan));
}

// ---- elements -----------------------------------------------------------------------------------------------------

std::array<unsigned, 6> bytes_of(const std::string& mac) {
    constexpr int hexadecimal = 16;
    std::array<unsigned, 6> bytes{};
    const auto* place = mac.data();
    for (unsigned& byte : bytes) {
        std::from_chars(place, place + 2, byte, hexadecimal);  // it was made by mac_of()
        place += 3;
    }
    return bytes;
}

/// What every interface gives itself.
Address6 link_local(const std::string& mac) {
    const auto bytes = bytes_of(mac);
    const std::array<unsigned, 16> parts{0xfe,          0x80,     0,        0,    0,    0,        0,        0,
                                         bytes[0] ^ 2U, bytes[1], bytes[2], 0xff, 0xfe, bytes[3], bytes[4], bytes[5]};
    Address6 address;
    std::transform(parts.begin(), parts.end(), address.bytes.begin(),
                   [](auto part) { return static_cast<std::uint8_t>(part); });
    return address;
}

std::string hex_of(const Address6& address) {
    std::string text = "0x";
    for (const auto byte : address.bytes) text += fmt::format("{:02x}", byte);
    return text;
}

void add_address6(std::vector<Element>& elements, const std::string& device, const Address6& address) {
    elements.push_back({"bridge", "addresses6", fmt::format("{} . {}", device, to_text(address))});
    elements.push_back({"bridge", "targets6", fmt::format("{} . {}", device, hex_of(address))});
}

/// The name of a device in quotes: what begins a key of the bridges' table.
std::string quoted(const Element& element) {
    if (element.family != "bridge") return element.key;
    const auto end = std::min(element.key.find(' '), element.key.size());
    return fmt::format("\"{}\"{}", element.key.substr(0, end), element.key.substr(end));
}

std::string entry_of(const Element& element, bool whole) {
    std::string text = quoted(element);
    if (whole && element.left) text += fmt::format(" timeout {}ms", std::max<long long>(element.left->count(), 1));
    if (!element.value.empty()) text += " : " + element.value;
    return text;
}

/// Of each set in one command: thousands at once are one line each.
std::string commands(const char* verb, const std::string& instance, const std::vector<Element>& elements, bool whole) {
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> sets;
    for (const Element& element : elements) sets[{element.family, element.set}].push_back(entry_of(element, whole));
    std::string text;
    for (const auto& [set, entries] : sets)
        text += fmt::format("{} element {} {} {} {{ {} }}\n", verb, set.first, table_name(instance), set.second,
                            fmt::join(entries, ", "));
    return text;
}

}  // namespace

std::string table_name(const std::string& instance) { return "drover_" + instance; }

std::string tables_text(const FirewallPlan& plan) {
    return withdraw_text(plan.instance) + bridge_table(plan) + inet_table(plan);
}

std::string withdraw_text(const std::string& instance) {
    std::string text;
    for (const auto* family : {"bridge", "inet"})
        text += fmt::format("add table {0} {1}\ndelete table {0} {1}\n", family, table_name(instance));
    return text;
}

std::vector<Element> elements_of(const GuestLine& line) {
    std::vector<Element> elements{{"bridge", "macs", fmt::format("{} . {}", line.device, line.mac)},
                                  {"bridge", "addresses4", fmt::format("{} . {}", line.device, to_text(line.address))}};
    add_address6(elements, line.device, link_local(line.mac));
    if (line.address6) add_address6(elements, line.device, *line.address6);
    if (line.circle == 0) return elements;
    const auto circle = std::to_string(line.circle);
    const auto join = [&](const char* family, const char* version, const std::string& who) {
        elements.push_back({family, std::string("circles") + version, who, circle});
        elements.push_back({family, std::string("members") + version, fmt::format("{} . {}", who, circle)});
    };
    join("bridge", "", line.device);
    join("inet", "4", to_text(line.address));
    join("inet", "6", to_text(link_local(line.mac)));
    if (line.address6) join("inet", "6", to_text(*line.address6));
    return elements;
}

std::vector<Element> elements_of(const Opening& opening, const GuestLine& line) {
    if (opening.left <= Duration::zero()) return {};
    const auto from = opening.source.empty() ? std::nullopt : std::optional(parse_source(opening.source));
    const auto tail = fmt::format("{} . {}", to_text(opening.port.protocol), opening.port.port);
    std::vector<Element> elements;
    const auto let_in = [&](int family, const std::string& address) {
        if (from && from->family != family) return;
        const auto key = fmt::format("{} . {}{}", address, tail, from ? " . " + opening.source : "");
        elements.push_back({"inet", fmt::format("open{}{}", family, from ? "_from" : ""), key, "", opening.left});
    };
    let_in(4, to_text(line.address));
    if (line.address6) let_in(6, to_text(*line.address6));
    if (opening.host_port)
        elements.push_back({"inet", "published4",
                            fmt::format("{} . {}", to_text(opening.port.protocol), *opening.host_port),
                            fmt::format("{} . {}", to_text(line.address), opening.port.port), opening.left});
    return elements;
}

std::string add_text(const std::string& instance, const std::vector<Element>& elements) {
    return commands("add", instance, elements, true);
}

std::string remove_text(const std::string& instance, const std::vector<Element>& elements) {
    return commands("add", instance, elements, true) + commands("delete", instance, elements, false);
}

}  // namespace drover
