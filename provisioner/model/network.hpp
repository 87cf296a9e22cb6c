#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/address.hpp"

namespace drover {

/// How a network's guests reach what is outside: behind the host's address; under their own; not at all; or plugged
/// into a bridge that the host has, whose addresses are others' to route.
enum class NetworkMode { nat, routed, isolated, bridge };
std::string_view to_text(NetworkMode mode);
NetworkMode parse_network_mode(std::string_view text);

/// Which guests of a network may talk to each other.
enum class GuestTraffic { open, same_owner, none };
std::string_view to_text(GuestTraffic traffic);
GuestTraffic parse_guest_traffic(std::string_view text);

/// One network of an instance, all of it resolved.
struct Network {
    std::string name;   ///< as in `drover request --network`; empty: the default one
    std::string title;  ///< what it is called outside: libvirt's network
    NetworkMode mode = NetworkMode::nat;
    std::string bridge;
    int vlan = 0;  ///< of mode bridge; 0: none
    Subnet subnet;
    std::optional<Subnet6> subnet6;  ///< none: its guests have no IPv6 address
    std::string domain;              ///< of its guests' names
    Address gateway, dns;
    std::optional<Address6> gateway6;
    Address first, last;             ///< which addresses guests may get
    std::uint64_t users_before = 0;  ///< addresses of other networks whose containers' users come before
    GuestTraffic guests = GuestTraffic::open;

    /// The IPv6 address that belongs to the IPv4 address: the prefix and the same number. None without IPv6.
    [[nodiscard]] std::optional<Address6> address6(Address address) const {
        if (!subnet6 || !subnet.contains(address)) return std::nullopt;
        return subnet6->at(address.value - subnet.network.value);
    }
    /// Whether libvirt makes its bridge, with a DNS of its own.
    [[nodiscard]] bool is_own() const { return mode != NetworkMode::bridge; }
    /// How many guests it has room for.
    [[nodiscard]] long long room() const { return static_cast<long long>(last.value) - first.value + 1; }
};

/// A network as far as the subnet tells: its gateway the first address, the rest its guests'.
Network network_of(const Subnet& subnet);

/// All networks of an instance, the default one first.
class NetworkPlan {
  public:
    NetworkPlan() = default;
    explicit NetworkPlan(std::vector<Network> all) : all_(std::move(all)) {}

    [[nodiscard]] const std::vector<Network>& all() const { return all_; }
    /// Null: there is none of that name, any more.
    [[nodiscard]] const Network* find(std::string_view name) const;
    /// Error{not_found} naming it and those that there are.
    [[nodiscard]] const Network& of(std::string_view name) const;
    /// The IPv6 address of a guest of that network; none without one.
    [[nodiscard]] std::optional<Address6> address6(std::string_view name, Address address) const;

  private:
    std::vector<Network> all_;
};

/// "default" for the one without a name: as people read and write it.
std::string shown_network(std::string_view name);
/// The name that is meant by such a word: "default" is the one without.
std::string meant_network(std::string_view word);
/// A letter, then up to 5 of a-z 0-9; neither "br" nor "default". Error{usage} otherwise.
void check_network_name(std::string_view name);

}  // namespace drover
