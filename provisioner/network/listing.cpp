#include "network/listing.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "model/error.hpp"

namespace drover {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& value);

std::string joined(const Json& parts) {
    std::string text;
    for (const auto& part : parts) text += (text.empty() ? "" : " . ") + text_of(part);
    return text;
}

/// Protocols are written by number.
std::string plain(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::string text_of(const Json& value) {
    if (!value.is_object()) return plain(value);
    if (value.contains("concat")) return joined(value.at("concat"));
    if (value.contains("prefix")) {
        const auto& prefix = value.at("prefix");
        return fmt::format("{}/{}", plain(prefix.at("addr")), prefix.at("len").get<int>());
    }
    return value.dump();
}

void add_entry(std::map<std::string, Listing::Entry>& entries, const Json& element) {
    const bool is_mapped = element.is_array();
    const Json& key = is_mapped ? element.at(0) : element;
    Listing::Entry entry;
    if (is_mapped) entry.value = text_of(element.at(1));
    const bool is_timed = key.is_object() && key.contains("elem");
    if (!is_timed) {
        entries[text_of(key)] = entry;
        return;
    }
    const Json& inner = key.at("elem");
    if (inner.contains("expires")) entry.left = std::chrono::seconds(inner.at("expires").get<long long>());
    entries[text_of(inner.at("val"))] = entry;
}

void add_object(Listing& listing, const std::string& kind, Json object) {
    if (kind == "table" || kind == "metainfo") return;
    const bool is_set = kind == "set" || kind == "map";
    if (is_set) {
        auto& entries = listing.sets[object.at("name")];
        if (object.contains("elem"))
            for (const auto& element : object.at("elem")) add_entry(entries, element);
    }
    for (const auto* changing : {"handle", "elem"}) object.erase(changing);
    listing.rules += kind + " " + object.dump() + "\n";
}

template <typename Read> auto reading(const std::string& json, Read read) {
    try {
        return read(Json::parse(json).at("nftables"));
    } catch (const Json::exception& error) {
        throw Error(ErrorKind::failed, fmt::format("what nftables lists is not understood: {}", error.what()));
    }
}

}  // namespace

Listing parse_listing(const std::string& json) {
    return reading(json, [](const Json& objects) {
        Listing listing;
        for (const auto& object : objects)
            for (const auto& [kind, fields] : object.items()) add_object(listing, kind, fields);
        return listing;
    });
}

std::map<std::string, long long> parse_tables(const std::string& json, const std::string& name) {
    return reading(json, [&](const Json& objects) {
        std::map<std::string, long long> handles;
        for (const auto& object : objects) {
            const auto table = object.find("table");
            if (table == object.end() || table->at("name") != name) continue;
            handles[table->at("family")] = table->at("handle").get<long long>();
        }
        return handles;
    });
}

std::vector<std::string> strict_forward_chains(const std::string& json) {
    return reading(json, [](const Json& objects) {
        std::vector<std::string> strict;
        for (const auto& object : objects) {
            const auto chain = object.find("chain");
            if (chain == object.end() || chain->value("hook", "") != "forward" || chain->value("policy", "") != "drop")
                continue;
            if (chain->value("family", "") == "bridge") continue;
            strict.push_back(fmt::format("{} {} {}", chain->value("family", ""), chain->value("table", ""),
                                         chain->value("name", "")));
        }
        return strict;
    });
}

}  // namespace drover
