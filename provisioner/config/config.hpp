#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "model/error.hpp"
#include "model/network.hpp"
#include "model/opening.hpp"
#include "model/routing.hpp"
#include "model/shadow.hpp"
#include "model/time.hpp"
#include "model/wave_policy.hpp"

namespace drover {

/// One hypervisor host.
struct HostConfig {
    std::string name = "local";
    std::string vm_uri = "qemu:///system";
    std::string container_uri = "lxc:///";
    bool operator==(const HostConfig&) const = default;
};

/// A vm_uri that begins so names no hypervisor but the folder in which a simulated one keeps its domains.
inline constexpr std::string_view fake_hypervisor = "fake://";

/// What the configuration says of one network of the guests.
struct NetworkConfig {
    std::string name;  ///< of a further one: its name; of the default one: libvirt's network (default: the instance)
    NetworkMode mode = NetworkMode::nat;
    std::string cidr = "auto";
    std::string cidr6 = "auto";  ///< auto | none | a prefix
    GuestTraffic guests = GuestTraffic::open;
    // Of mode bridge alone:
    std::string bridge;   ///< one that the host has
    int vlan = 0;         ///< 0: none
    std::string gateway;  ///< required, and so is dns
    std::string gateway6;
    std::string dns;
    std::string range;  ///< "10.1.2.100-10.1.2.199"; required
    bool operator==(const NetworkConfig&) const = default;
};

/// The configuration, all defaults filled in. Each field's documentation is schema/configuration.md, which a test holds
/// against this struct.
struct Config {
    std::string instance = "drover";
    std::string state;   ///< default: /var/lib/drover or /var/lib/drover-<instance>
    std::string socket;  ///< default: /run/drover/drover.sock or /run/drover-<instance>/drover.sock
    std::string log_level = "info";
    std::vector<HostConfig> hosts{HostConfig{}};
    std::string accelerator = "auto";  ///< auto | kvm | tcg

    struct Network : NetworkConfig {
        std::string domain;  ///< of all networks; default: <instance>.internal
        Duration quarantine = std::chrono::minutes(10);
        std::string host_names = "hosts";     ///< hosts | none
        std::vector<PortRule> host_services;  ///< of the host, that guests may reach besides DNS and DHCP
        bool operator==(const Network&) const = default;
    } network;
    std::vector<NetworkConfig> networks;  ///< further ones
    RoutingPolicy routing;

    long long quota = 10;  ///< quota.default

    struct GuestSize {
        long long memory = 96LL << 20;  ///< bytes
        int cpus = 1;
        long long disk = 1LL << 30;  ///< bytes
        std::string image = "tiny";  ///< of guests whose request names none
        bool operator==(const GuestSize&) const = default;
    } guest;

    struct Containers {
        int first_uid = 0x70000000;
        int processes = 512;
        bool operator==(const Containers&) const = default;
    } containers;

    Duration ready_timeout = std::chrono::minutes(5);  ///< timeouts.ready
    Duration stop_timeout = std::chrono::seconds(30);  ///< timeouts.stop: each rung of STOP, ACPI, force

    int attempts = 3;                            ///< retry.attempts
    Duration backoff = std::chrono::seconds(2);  ///< retry.backoff: doubled at each attempt, at most 5 minutes
    int steps_in_flight = 4;                     ///< steps.in_flight

    Duration retire_keep = std::chrono::hours(24 * 7);   ///< retire.keep
    Duration lease_grace = std::chrono::hours(24 * 30);  ///< lease.grace: from the stop to the retirement
    int snapshots = 5;                                   ///< copies.snapshots: of one guest, at most
    std::string backups;  ///< copies.backups; default: /var/backups/drover or /var/backups/drover-<instance>
    ShadowPolicy upgrade_shadows = ShadowPolicy::warn;  ///< upgrade.shadows

    WavePolicies waves;  ///< waves.{stop,start,upgrade,refill}

    struct Consoles {
        long long log = 1LL << 20;  ///< bytes that are kept of one start
        int boots = 3;              ///< of how many starts
        bool operator==(const Consoles&) const = default;
    } consoles;

    std::string metrics_listen;  ///< metrics.listen: "127.0.0.1:9100"; empty: only the API has them

    struct Hooks {
        std::string folder = "/etc/drover/hooks";
        Duration timeout = std::chrono::seconds(30);
        bool operator==(const Hooks&) const = default;
    } hooks;

    struct Health {
        Duration interval = std::chrono::seconds(30);
        Duration unresponsive = std::chrono::minutes(5);
        int tries = 5;
        Duration forget = std::chrono::hours(8);
        int suspend_share = 20;  ///< percent
        int suspend_count = 3;
        int disk = 90, memory = 95;  ///< percent used
        Duration clock = std::chrono::minutes(1);
        bool operator==(const Health&) const = default;
    } health;

    OpeningPolicy openings;

    std::string gateway_uid;  ///< gateway.uid: an account's name or number; empty: no gateway

    struct Testing {
        bool enabled = false;
        std::string boot_id;  ///< stands in for the kernel's
        std::string guests;   ///< "" or "simulated"
        bool operator==(const Testing&) const = default;
    } testing;

    bool operator==(const Config&) const = default;
};

/// The names of an instance's networks outside of it. Of the default one, as it always was; of a further one
/// "<instance>-<name>" for both.
std::string title_of(const Config& config, const NetworkConfig& network);
std::string bridge_of(const Config& config, const NetworkConfig& network);
/// Those of all networks: the default one first.
std::vector<const NetworkConfig*> all_networks(const Config& config);

/// One thing wrong in a configuration file.
struct ConfigError {
    int line = 0;  ///< from 1; 0: the file as a whole
    std::string message;
};

/// All that is wrong, at once. Kind usage; what() has one "FILE:LINE: message" per line.
class ConfigErrors : public Error {
  public:
    ConfigErrors(const std::string& file, std::vector<ConfigError> errors);
    [[nodiscard]] const std::vector<ConfigError>& errors() const { return errors_; }

  private:
    std::vector<ConfigError> errors_;
};

/// Reads a YAML text; `file` is for messages. Throws ConfigErrors naming every unknown key, wrong type and value out of
/// range with its line. An empty text is all defaults.
Config parse_config(const std::string& text, const std::string& file);

/// Every key that a file may hold, dotted: "network.cidr"; the fields of a host as "hosts[].name".
std::vector<std::string> config_keys();

/// Reads a file; a missing one is all defaults when `may_be_absent`, else Error{not_found}. One
/// that cannot be read is Error{failed}.
Config read_config(const std::string& file, bool may_be_absent);

}  // namespace drover
