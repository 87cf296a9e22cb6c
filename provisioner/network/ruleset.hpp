#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/network.hpp"
#include "model/opening.hpp"

/// The rules of the guests' networks, pure: values in, nft's language out. Two tables of one name: `bridge` judges what
/// a guest may send and who of them reaches whom, `inet` who from outside reaches whom. Both judge nothing but what
/// comes from or goes to a device or a bridge of ours: docs/design/0026-firewall.md.
namespace drover {

/// All that the rules depend on, but for who is there.
struct FirewallPlan {
    std::string instance;
    NetworkPlan networks;
    OpeningPolicy openings;
    std::vector<PortRule> host_services;  ///< of the host, that guests may reach besides DNS and DHCP
};

/// A guest's line: its device on the host, and what may be sent over it.
struct GuestLine {
    std::string device, mac;
    Address address;
    std::optional<Address6> address6{};  ///< none: none but the one that every interface gives itself
    std::uint32_t circle = 0;            ///< those of one circle reach each other; 0: nobody
};

/// An element of one of the sets.
struct Element {
    std::string family, set;         ///< "bridge" "macs"
    std::string key, value{};        ///< as nft writes them; a map's has a value
    std::optional<Duration> left{};  ///< of a timed one
};

/// "drover_<instance>".
std::string table_name(const std::string& instance);
/// Makes both tables anew, with no elements; one transaction with what is added to them.
std::string tables_text(const FirewallPlan& plan);
/// What a guest's line may send, and its circle.
std::vector<Element> elements_of(const GuestLine& line);
/// What lets others in: none when there is nothing left of its time, or no address that it is for.
std::vector<Element> elements_of(const Opening& opening, const GuestLine& line);
/// Adds them; in one transaction, those that are there already must be the same.
std::string add_text(const std::string& instance, const std::vector<Element>& elements);
/// Removes them, whether they are there or have just timed out.
std::string remove_text(const std::string& instance, const std::vector<Element>& elements);
/// Removes both tables, there or not.
std::string withdraw_text(const std::string& instance);

}  // namespace drover
