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

/// Version 2 (netplan's). The route is not called default: older cloud-init knows that word for nobody's network.
std::string network_config(const control::Identity& identity) {
    const Json interface {
        {"match", {{"macaddress", identity.mac}}}, {"set-name", "eth0"}, {"addresses", Json::array({identity.address})},
            {"routes", Json::array({Json{{"to", "0.0.0.0/0"}, {"via", identity.gateway}}})}, {
            "nameservers", {
                {"search", Json::array({identity.domain})}, { "addresses", Json::array({identity.dns}) }
            }
        }
    };
    return Json{{"version", 2}, {"ethernets", {{"eth0", interface}}}}.dump(2);
}

}  // namespace

/// JSON is YAML.
std::map<std::string, std::string> seed_of(const control::Identity& identity) {
    return {{"meta-data", meta_data(identity) + "\n"}, {"network-config", network_config(identity) + "\n"}};
}

}  // namespace drover
