#include "fsck/simulated.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "model/error.hpp"

namespace drover::fsck {
namespace {

Domain domain_of(const nlohmann::json& file) {
    const bool active = !file.at("live").is_null();
    const auto& spec = file.at(active ? "live" : "defined");
    return {.name = spec.at("domain"),
            .uuid = spec.at("uuid"),
            .active = active,
            .persistent = !file.at("defined").is_null(),
            .registry = spec.at("registry"),
            .guest = spec.at("name"),
            .id = spec.at("id"),
            .macs = {spec.at("mac").get<std::string>()},
            .disks = {spec.at("root").get<std::string>(), spec.at("overlay").get<std::string>()}};
}

}  // namespace

std::vector<Domain> simulated_domains(const std::string& folder) {
    std::vector<Domain> domains;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        if (!entry.path().string().ends_with(".domain.json")) continue;
        std::ifstream file(entry.path());
        if (!file) continue;  // undefined since
        try {
            domains.push_back(domain_of(nlohmann::json::parse(file)));
        } catch (const nlohmann::json::exception& problem) {
            throw Error(ErrorKind::unavailable, fmt::format("{}: {}", entry.path().string(), problem.what()));
        }
    }
    return domains;
}

}  // namespace drover::fsck
