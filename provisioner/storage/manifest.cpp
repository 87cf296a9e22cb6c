#include "storage/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/error.hpp"
#include "storage/digest.hpp"
#include "storage/durable.hpp"

namespace drover {
namespace {

using Json = nlohmann::ordered_json;

Manifest from_json(const Json& json) {
    Manifest manifest;
    manifest.image = json.at("image");
    const auto& files = json.at("files");
    const auto take = [&](std::string_view name) {
        const auto& file = files.at(std::string(name));
        manifest.files[std::string(name)] = {file.at("sha256"), file.at("bytes")};
    };
    if (files.contains(cloud_disk))
        take(cloud_disk);
    else
        std::for_each(version_files.begin(), version_files.end(), take);
    manifest.kernel_parameters = json.at("kernel_parameters");
    manifest.profile = json.at("profile");
    manifest.fork_point = json.at("fork_point");
    manifest.memory = json.value("memory", 0LL);
    for (const auto& package : json.at("packages"))
        manifest.packages.emplace_back(package.at("name"), package.at("version"));
    return manifest;
}

}  // namespace

std::string Manifest::digest() const {
    Digest digest;
    for (const auto& [name, file] : files) digest.add(fmt::format("{}  {}\n", file.sha256, name));
    digest.add(fmt::format("kernel_parameters  {}\n", kernel_parameters));
    digest.add(fmt::format("profile  {}\n", profile));
    digest.add(fmt::format("fork_point  {}\n", fork_point));
    if (memory != 0) digest.add(fmt::format("memory  {}\n", memory));
    return "sha256:" + digest.hex();
}

std::string to_json(const Manifest& manifest) {
    Json json{{"image", manifest.image}, {"digest", manifest.digest()}};
    for (const auto& [name, file] : manifest.files)
        json["files"][name] = {{"sha256", file.sha256}, {"bytes", file.bytes}};
    json["kernel_parameters"] = manifest.kernel_parameters;
    json["profile"] = manifest.profile;
    json["fork_point"] = manifest.fork_point;
    if (manifest.memory != 0) json["memory"] = manifest.memory;
    json["packages"] = Json::array();
    for (const auto& [name, version] : manifest.packages)
        json["packages"].push_back({{"name", name}, {"version", version}});
    return json.dump(2) + "\n";
}

Manifest read_manifest(const std::filesystem::path& folder) {
    const auto file = folder / "manifest.json";
    try {
        const auto json = Json::parse(read_file(file));
        auto manifest = from_json(json);
        if (json.at("digest") == manifest.digest()) return manifest;
    } catch (const nlohmann::json::exception& error) {
        throw Error(ErrorKind::failed, fmt::format("{} cannot be read: {}", file.string(), error.what()));
    }
    throw Error(ErrorKind::failed, fmt::format("{} does not agree with its own digest", file.string()));
}

}  // namespace drover
