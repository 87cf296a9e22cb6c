#pragma once
#include <yaml-cpp/yaml.h>

#include <string>
#include <vector>

#include "model/opening.hpp"
#include "model/routing.hpp"
#include "model/time.hpp"
#include "model/wave_policy.hpp"

namespace drover {

/// One value of a configuration file, read as what its key asks for. Every call throws Error{usage} naming the value
/// and what is expected instead; bounds are inclusive.
class Value {
  public:
    explicit Value(const YAML::Node& node) : node_(node) {}

    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::string one_of(const std::vector<std::string>& words) const;
    /// A text that `check` (one of model/names.hpp) accepts.
    [[nodiscard]] std::string checked(void (*check)(std::string_view)) const;
    [[nodiscard]] int number(int least, int most) const;
    [[nodiscard]] bool flag() const;
    [[nodiscard]] Duration duration(Duration least, Duration most) const;
    /// Bytes, a whole number of MiB.
    [[nodiscard]] long long size(long long least, long long most) const;
    /// An absolute path of letters, digits and . _ - that may stand in a command line and in XML as it is.
    [[nodiscard]] std::string path(std::size_t longest) const;
    /// A libvirt URI.
    [[nodiscard]] std::string uri() const;
    /// "auto", or a private subnet in the form of parse_subnet.
    [[nodiscard]] std::string cidr() const;
    /// "auto", "none", or a prefix in the form of parse_subnet6 that no multicast or link-local address is in.
    [[nodiscard]] std::string cidr6() const;
    /// An IPv4 or an IPv6 address, in its one short form.
    [[nodiscard]] std::string address() const;
    [[nodiscard]] std::string address6() const;
    /// "10.1.2.100-10.1.2.199": two IPv4 addresses, the first not above the second.
    [[nodiscard]] std::string address_range() const;
    /// The name of an interface of the host.
    [[nodiscard]] std::string interface() const;
    /// "127.0.0.1:9100": an address of this host, or 0.0.0.0 for all, and a port.
    [[nodiscard]] std::string endpoint() const;
    /// A DNS domain of lower-case labels.
    [[nodiscard]] std::string domain() const;
    /// 1-64 letters, digits and -.
    [[nodiscard]] std::string token() const;
    /// An account by its name or its number, in the one form that a number has.
    [[nodiscard]] std::string account() const;
    /// A list of interfaces, at most 32.
    [[nodiscard]] std::vector<std::string> interfaces() const;
    /// A list of what parse_neighbour takes, at most 32.
    [[nodiscard]] std::vector<Neighbour> neighbours() const;
    /// A range of ports above those of the system: "20000-29999".
    [[nodiscard]] PortRange port_range() const;
    /// One or a list of what parse_port_rule takes: "1024-65535", [22/tcp, 80/tcp].
    [[nodiscard]] std::vector<PortRule> port_rules() const;
    /// The limits of a class of waves, in the form of parse_wave_policy.
    [[nodiscard]] WavePolicy wave_policy() const;

  private:
    [[nodiscard]] std::vector<Value> list() const;
    /// The scalar as it was written without quotes: numbers and flags.
    [[nodiscard]] std::string plain(const std::string& expected) const;

    YAML::Node node_;
};

/// The scalar, or "a list", "a group of keys", "nothing": for messages.
std::string shown(const YAML::Node& node);

}  // namespace drover
