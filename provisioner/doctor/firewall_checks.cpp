#include <fmt/format.h>
#include <fmt/ranges.h>

#include "doctor/checks.hpp"

namespace drover::doctor {

Diagnosis rules(const Picture& picture) {
    return judged("rules", picture.rules, [](const std::string& complaint) -> Diagnosis {
        if (complaint.empty()) return fine("rules", "nftables makes rules for bridges and for what is routed");
        return {"rules", Level::error, "no guest starts: " + complaint,
                "a kernel with nf_tables, nf_tables_bridge and nft_masq: modprobe nft_meta_bridge nft_masq"};
    });
}

Diagnosis forwarding(const Picture& picture) {
    return judged("forwarding", picture.forwarding, [&](const Forwarding& seen) -> Diagnosis {
        if (guests_of(picture) > 0 && !seen.forwards)
            return {"forwarding", Level::warn, "the host forwards nothing: guests reach nobody outside",
                    "sysctl -w net.ipv4.ip_forward=1"};
        if (seen.strict_chains.empty()) return fine("forwarding", "nobody else drops what guests send");
        return {
            "forwarding", Level::warn,
            fmt::format("another firewall drops what it does not know: {}", fmt::join(seen.strict_chains, ", ")),
            fmt::format("allow {0}-br there: iptables -I FORWARD -i {0}-br -j ACCEPT; iptables -I FORWARD -o {0}-br "
                        "-j ACCEPT",
                        picture.config.instance)};
    });
}

Diagnosis host_ports(const Picture& picture) {
    return judged("host-ports", picture.forwarding, [&](const Forwarding& seen) -> Diagnosis {
        const auto range = to_text(picture.config.openings.host_ports);
        if (seen.busy_ports.empty()) return fine("host-ports", fmt::format("nobody listens in {}", range));
        return {"host-ports", Level::warn,
                fmt::format("in {}, which is for ports of guests, others listen: {}", range,
                            fmt::join(seen.busy_ports, ", ")),
                "configure another range, openings.host_ports, or move them; those ports are left out until then"};
    });
}

}  // namespace drover::doctor
