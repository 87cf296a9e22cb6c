#include "config/keys.hpp"

#include "model/names.hpp"

namespace drover {
namespace {

using namespace std::chrono_literals;

constexpr long long mib = 1LL << 20;
constexpr long long tib = 1LL << 40;
constexpr std::size_t longest_state = 200;
constexpr std::size_t longest_socket = 107;  // sockaddr_un

void check_host_name(std::string_view name) { check_plain_name("host", name); }
void check_pathspace(std::string_view name) { check_plain_name("pathspace", name); }
void check_title(std::string_view name) { check_plain_name("network", name); }

// ---- what the default network and further ones have in common -----------------------------------------------------

void read_mode(NetworkConfig& n, const Value& v) { n.mode = parse_network_mode(v.text()); }
void read_cidr(NetworkConfig& n, const Value& v) { n.cidr = v.cidr(); }
void read_cidr6(NetworkConfig& n, const Value& v) { n.cidr6 = v.cidr6(); }
void read_guests(NetworkConfig& n, const Value& v) { n.guests = parse_guest_traffic(v.text()); }
void read_bridge(NetworkConfig& n, const Value& v) { n.bridge = v.interface(); }
void read_vlan(NetworkConfig& n, const Value& v) { n.vlan = v.number(1, 4094); }
void read_gateway(NetworkConfig& n, const Value& v) { n.gateway = v.address(); }
void read_gateway6(NetworkConfig& n, const Value& v) { n.gateway6 = v.address6(); }
void read_dns(NetworkConfig& n, const Value& v) { n.dns = v.address(); }
void read_range(NetworkConfig& n, const Value& v) { n.range = v.address_range(); }

}  // namespace

const std::vector<Key<Config>>& top_keys() {
    static const std::vector<Key<Config>> keys{
        {"instance", [](Config& c, const Value& v) { c.instance = v.checked(check_instance_name); }},
        {"state", [](Config& c, const Value& v) { c.state = v.path(longest_state); }},
        {"socket", [](Config& c, const Value& v) { c.socket = v.path(longest_socket); }},
        {"log.level",
         [](Config& c, const Value& v) {
             c.log_level = v.one_of({"trace", "debug", "info", "warn", "error"});
         }},
        {"accelerator",
         [](Config& c, const Value& v) {
             c.accelerator = v.one_of({"auto", "kvm", "tcg"});
         }},
        {"network.name", [](Config& c, const Value& v) { c.network.name = v.checked(check_title); }},
        {"network.mode", [](Config& c, const Value& v) { read_mode(c.network, v); }},
        {"network.cidr", [](Config& c, const Value& v) { read_cidr(c.network, v); }},
        {"network.cidr6", [](Config& c, const Value& v) { read_cidr6(c.network, v); }},
        {"network.guests", [](Config& c, const Value& v) { read_guests(c.network, v); }},
        {"network.bridge", [](Config& c, const Value& v) { read_bridge(c.network, v); }},
        {"network.vlan", [](Config& c, const Value& v) { read_vlan(c.network, v); }},
        {"network.gateway", [](Config& c, const Value& v) { read_gateway(c.network, v); }},
        {"network.gateway6", [](Config& c, const Value& v) { read_gateway6(c.network, v); }},
        {"network.dns", [](Config& c, const Value& v) { read_dns(c.network, v); }},
        {"network.range", [](Config& c, const Value& v) { read_range(c.network, v); }},
        {"network.domain", [](Config& c, const Value& v) { c.network.domain = v.domain(); }},
        {"network.quarantine", [](Config& c, const Value& v) { c.network.quarantine = v.duration(0s, 24h * 30); }},
        {"network.host_names",
         [](Config& c, const Value& v) {
             c.network.host_names = v.one_of({"hosts", "none"});
         }},
        {"routing.protocol", [](Config& c, const Value& v) { c.routing.protocol = parse_routing_protocol(v.text()); }},
        {"routing.interfaces", [](Config& c, const Value& v) { c.routing.interfaces = v.interfaces(); }},
        {"routing.area", [](Config& c, const Value& v) { c.routing.area = v.address(); }},
        {"routing.asn", [](Config& c, const Value& v) { c.routing.asn = parse_asn(v.text()); }},
        {"routing.neighbours", [](Config& c, const Value& v) { c.routing.neighbours = v.neighbours(); }},
        {"routing.pathspace", [](Config& c, const Value& v) { c.routing.pathspace = v.checked(check_pathspace); }},
        {"network.host_services", [](Config& c, const Value& v) { c.network.host_services = v.port_rules(); }},
        {"quota.default", [](Config& c, const Value& v) { c.quota = v.number(0, 1000000); }},
        {"guest.memory", [](Config& c, const Value& v) { c.guest.memory = v.size(32 * mib, tib); }},
        {"guest.cpus", [](Config& c, const Value& v) { c.guest.cpus = v.number(1, 64); }},
        {"guest.disk", [](Config& c, const Value& v) { c.guest.disk = v.size(16 * mib, 16 * tib); }},
        {"guest.image",
         [](Config& c, const Value& v) {
             c.guest.image = v.checked([](auto name) { check_plain_name("image", name); });
         }},
        {"containers.first_uid",
         [](Config& c, const Value& v) { c.containers.first_uid = v.number(65536, 0x7fff0000); }},
        {"containers.processes", [](Config& c, const Value& v) { c.containers.processes = v.number(16, 4194304); }},
        {"timeouts.ready", [](Config& c, const Value& v) { c.ready_timeout = v.duration(100ms, 1h); }},
        {"timeouts.stop", [](Config& c, const Value& v) { c.stop_timeout = v.duration(100ms, 10min); }},
        {"retry.attempts", [](Config& c, const Value& v) { c.attempts = v.number(1, 100); }},
        {"retry.backoff", [](Config& c, const Value& v) { c.backoff = v.duration(0s, 5min); }},
        {"steps.in_flight", [](Config& c, const Value& v) { c.steps_in_flight = v.number(1, 256); }},
        {"retire.keep", [](Config& c, const Value& v) { c.retire_keep = v.duration(0s, 24h * 3650); }},
        {"lease.grace", [](Config& c, const Value& v) { c.lease_grace = v.duration(0s, 24h * 3650); }},
        {"copies.snapshots", [](Config& c, const Value& v) { c.snapshots = v.number(0, 1000); }},
        {"copies.backups", [](Config& c, const Value& v) { c.backups = v.path(longest_state); }},
        {"waves.stop", [](Config& c, const Value& v) { c.waves.stop = v.wave_policy(); }},
        {"waves.start", [](Config& c, const Value& v) { c.waves.start = v.wave_policy(); }},
        {"waves.upgrade", [](Config& c, const Value& v) { c.waves.upgrade = v.wave_policy(); }},
        {"waves.refill", [](Config& c, const Value& v) { c.waves.refill = v.wave_policy(); }},
        {"upgrade.shadows",
         [](Config& c, const Value& v) {
             c.upgrade_shadows = parse_shadow_policy(v.one_of({"warn", "hold", "reset-path"}));
         }},
        {"consoles.log", [](Config& c, const Value& v) { c.consoles.log = v.size(mib, 64 * mib); }},
        {"consoles.boots", [](Config& c, const Value& v) { c.consoles.boots = v.number(1, 100); }},
        {"metrics.listen", [](Config& c, const Value& v) { c.metrics_listen = v.endpoint(); }},
        {"hooks.folder", [](Config& c, const Value& v) { c.hooks.folder = v.path(longest_state); }},
        {"hooks.timeout", [](Config& c, const Value& v) { c.hooks.timeout = v.duration(100ms, 10min); }},
        {"health.interval", [](Config& c, const Value& v) { c.health.interval = v.duration(100ms, 1h); }},
        {"health.unresponsive", [](Config& c, const Value& v) { c.health.unresponsive = v.duration(500ms, 24h); }},
        {"health.tries", [](Config& c, const Value& v) { c.health.tries = v.number(0, 1000); }},
        {"health.forget", [](Config& c, const Value& v) { c.health.forget = v.duration(1s, 24h * 365); }},
        {"health.suspend_share", [](Config& c, const Value& v) { c.health.suspend_share = v.number(1, 100); }},
        {"health.suspend_count", [](Config& c, const Value& v) { c.health.suspend_count = v.number(1, 1000000); }},
        {"health.disk", [](Config& c, const Value& v) { c.health.disk = v.number(1, 100); }},
        {"health.memory", [](Config& c, const Value& v) { c.health.memory = v.number(1, 100); }},
        {"health.clock", [](Config& c, const Value& v) { c.health.clock = v.duration(1s, 24h * 365); }},
        {"openings.ports", [](Config& c, const Value& v) { c.openings.ports = v.port_rules(); }},
        {"openings.never", [](Config& c, const Value& v) { c.openings.never = v.port_rules(); }},
        {"openings.always", [](Config& c, const Value& v) { c.openings.always = v.port_rules(); }},
        {"openings.default", [](Config& c, const Value& v) { c.openings.lasts = v.duration(1s, 24h * 365); }},
        {"openings.longest", [](Config& c, const Value& v) { c.openings.longest = v.duration(1s, 24h * 365); }},
        {"openings.most", [](Config& c, const Value& v) { c.openings.most = v.number(0, 1000); }},
        {"openings.cut", [](Config& c, const Value& v) { c.openings.cut = v.flag(); }},
        {"openings.host_ports", [](Config& c, const Value& v) { c.openings.host_ports = v.port_range(); }},
        {"gateway.uid", [](Config& c, const Value& v) { c.gateway_uid = v.account(); }},
        {"testing.enabled", [](Config& c, const Value& v) { c.testing.enabled = v.flag(); }},
        {"testing.boot_id", [](Config& c, const Value& v) { c.testing.boot_id = v.token(); }},
        {"testing.guests", [](Config& c, const Value& v) { c.testing.guests = v.one_of({"simulated"}); }},
    };
    return keys;
}

const std::vector<Key<NetworkConfig>>& network_keys() {
    static const std::vector<Key<NetworkConfig>> keys{
        {"name", [](NetworkConfig& n, const Value& v) { n.name = v.checked(check_network_name); }},
        {"mode", read_mode},
        {"cidr", read_cidr},
        {"cidr6", read_cidr6},
        {"guests", read_guests},
        {"bridge", read_bridge},
        {"vlan", read_vlan},
        {"gateway", read_gateway},
        {"gateway6", read_gateway6},
        {"dns", read_dns},
        {"range", read_range},
    };
    return keys;
}

const std::vector<Key<HostConfig>>& host_keys() {
    static const std::vector<Key<HostConfig>> keys{
        {"name", [](HostConfig& h, const Value& v) { h.name = v.checked(check_host_name); }},
        {"vm_uri", [](HostConfig& h, const Value& v) { h.vm_uri = v.uri(); }},
        {"container_uri", [](HostConfig& h, const Value& v) { h.container_uri = v.uri(); }},
    };
    return keys;
}

}  // namespace drover
