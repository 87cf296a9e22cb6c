#include "storage/strict_yaml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "model/error.hpp"
#include "storage/durable.hpp"

namespace drover {
namespace {

int line_of(const YAML::Node& node) { return node.Mark().line + 1; }

}  // namespace

StrictYaml::StrictYaml(const std::filesystem::path& file, const std::vector<std::string>& keys) : file_(file.string()) {
    try {
        root_ = YAML::Load(read_file(file));
    } catch (const YAML::Exception& error) {
        refuse(error.mark.line + 1, error.msg);
    }
    if (!root_.IsMap()) refuse(0, "is no mapping of keys to values");
    expect_keys(keys);
}

void StrictYaml::expect_keys(const std::vector<std::string>& keys) const {
    std::set<std::string> seen;
    for (const auto& entry : root_) {
        const auto key = scalar(entry.first, "a key");
        if (std::find(keys.begin(), keys.end(), key.text) == keys.end())
            refuse(key.line, fmt::format("unknown key '{}'", key.text),
                   fmt::format("known: {}", fmt::join(keys, ", ")));
        if (!seen.insert(key.text).second) refuse(key.line, fmt::format("key '{}' is there twice", key.text));
    }
}

std::optional<Located> StrictYaml::text(const std::string& key) const {
    const auto node = find(key);
    if (!node.IsDefined()) return std::nullopt;
    return scalar(node, key);
}

Located StrictYaml::required(const std::string& key) const {
    auto value = text(key);
    if (!value) refuse(0, fmt::format("key '{}' is missing", key));
    return *value;
}

std::vector<Located> StrictYaml::list(const std::string& key) const {
    const auto node = find(key);
    if (!node.IsDefined()) return {};
    if (!node.IsSequence()) refuse(line_of(node), fmt::format("'{}' is no list", key));
    std::vector<Located> texts;
    for (const auto& item : node) texts.push_back(scalar(item, fmt::format("an item of '{}'", key)));
    return texts;
}

std::vector<StrictYaml> StrictYaml::mappings(const std::string& key, const std::vector<std::string>& keys) const {
    const auto node = find(key);
    if (!node.IsDefined()) return {};
    if (!node.IsSequence()) refuse(line_of(node), fmt::format("'{}' is no list", key));
    std::vector<StrictYaml> result;
    for (const auto& item : node) {
        if (!item.IsMap()) refuse(line_of(item), fmt::format("an item of '{}' is no mapping of keys to values", key));
        result.push_back(StrictYaml(file_, item));
        result.back().expect_keys(keys);
    }
    return result;
}

void StrictYaml::refuse(int line, const std::string& message, const std::string& hint) const {
    const auto place = line > 0 ? fmt::format("{}:{}", file_, line) : file_;
    throw Error(ErrorKind::usage, fmt::format("{}: {}", place, message), hint);
}

void StrictYaml::at(const Located& value, const std::function<void(const std::string&)>& check) const {
    try {
        check(value.text);
    } catch (const Error& error) {
        refuse(value.line, error.what(), error.hint());
    }
}

YAML::Node StrictYaml::find(const std::string& key) const {
    const YAML::Node& root = root_;  // the const operator[]: the other one would add the key
    return root[key];
}

Located StrictYaml::scalar(const YAML::Node& node, const std::string& what) const {
    if (!node.IsScalar()) refuse(line_of(node), fmt::format("{} is no text", what));
    return {node.Scalar(), line_of(node)};
}

}  // namespace drover
