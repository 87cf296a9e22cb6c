#include "herd/cloud_seed.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace drover {
namespace {

using Json = nlohmann::ordered_json;

std::string meta_data(const control::Identity& identity) {
    const auto address = identity.address.substr(0, identity.address.find('/'));
    return Json{{"instance-id", fmt::format("{}-{}", identity.machine_id, address)},
                {"local-hostname", fmt::format("{}.{}", identity.name, identity.domain)}}
        .dump(2);
}

/// Version 2 (netplan's). The routes are not called default: older cloud-init knows that word for nobody's network.
/// Nobody's advertisement gives it more.
std::string network_config(const control::Identity& identity) {
    auto addresses = Json::array({identity.address});
    auto routes = Json::array({Json{{"to", "0.0.0.0/0"}, {"via", identity.gateway}}});
    if (!identity.address6.empty()) addresses.push_back(identity.address6);
    if (!identity.gateway6.empty()) routes.push_back(Json{{"to", "::/0"}, {"via", identity.gateway6}});
    Json interface;
    interface["match"] = Json{{"macaddress", identity.mac}};
    interface["set-name"] = "eth0";
    interface["addresses"] = addresses;
    interface["routes"] = routes;
    if (!identity.address6.empty()) interface["accept-ra"] = false;
    interface["nameservers"]["search"] = Json::array({identity.domain});
    interface["nameservers"]["addresses"] = Json::array({identity.dns});
    Json config{{"version", 2}};
    config["ethernets"]["eth0"] = interface;
    return config.dump(2);
}

}  // namespace

/// JSON is YAML.
std::map<std::string, std::string> seed_of(const control::Identity& identity) {
    return {{"meta-data", meta_data(identity) + "\n"}, {"network-config", network_config(identity) + "\n"}};
}

}  // namespace drover
