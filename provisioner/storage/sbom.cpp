#include "storage/sbom.hpp"

#include <fmt/format.h>

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <nlohmann/json.hpp>

namespace drover {
namespace {

using Json = nlohmann::ordered_json;

/// As package URLs want it: ':' stays, unlike in other URLs.
std::string percent_encoded(const std::string& text) {
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:";
    std::string encoded;
    for (const char c : text) {
        const bool stays = plain.find(c) != std::string_view::npos;
        encoded += stays ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return encoded;
}

/// A UUID of version 5 (RFC 4122).
std::string serial_number(const std::string& digest) {
    boost::uuids::name_generator_sha1 generator(boost::uuids::ns::url());
    return "urn:uuid:" + to_string(generator("urn:drover:version:" + digest));
}

Json component(const std::string& name, const std::string& version) {
    const auto url = fmt::format("pkg:deb/debian/{}@{}", percent_encoded(name), percent_encoded(version));
    return {{"type", "library"}, {"bom-ref", url}, {"name", name}, {"version", version}, {"purl", url}};
}

}  // namespace

std::string sbom_of(const Manifest& manifest) {
    const auto digest = manifest.digest();
    const Json hash{{"alg", "SHA-256"}, {"content", manifest.files.at("root.squashfs").sha256}};
    const Json image{{"type", "operating-system"},
                     {"bom-ref", digest},
                     {"name", manifest.image},
                     {"version", digest},
                     {"hashes", Json::array({hash})}};
    Json sbom{{"$schema", "http://cyclonedx.org/schema/bom-1.5.schema.json"},
              {"bomFormat", "CycloneDX"},
              {"specVersion", "1.5"},
              {"serialNumber", serial_number(digest)},
              {"version", 1},
              {"metadata", {{"component", image}}},
              {"components", Json::array()}};
    for (const auto& [name, version] : manifest.packages) sbom["components"].push_back(component(name, version));
    return sbom.dump(2) + "\n";
}

}  // namespace drover
