#include "config/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "config/documents.hpp"
#include "config/keys.hpp"
#include "config/network_rules.hpp"

namespace drover {
namespace {

constexpr std::size_t longest_file = 1U << 20;
constexpr std::size_t most_networks = 32;

int line_of(const YAML::Mark& mark) { return mark.is_null() ? 0 : mark.line + 1; }

std::string with_hint(const Error& error) {
    return error.hint().empty() ? error.what() : fmt::format("{} ({})", error.what(), error.hint());
}

/// Fills a Config from a YAML tree and collects all that is wrong with it on the way.
class Reader {
  public:
    Config read(const YAML::Node& root) {
        if (root.IsDefined() && !root.IsNull()) group(root, "", top_keys(), config_);
        check_testing();
        check_routing();
        check_openings();
        fill_defaults();
        if (errors.empty()) check_networks();
        return std::move(config_);
    }

    std::vector<ConfigError> errors;

  private:
    /// One group of keys: each entry is a value, a group of its own, the hosts, or unknown.
    template <typename Target>
    void group(const YAML::Node& node, const std::string& prefix, const std::vector<Key<Target>>& keys,
               Target& target) {
        if (!node.IsMap()) return report(node, prefix, shown(node) + ", expected a group of keys");
        std::map<std::string, int> lines;
        for (const auto& entry : node) {
            const auto name = entry.first.IsScalar() ? entry.first.Scalar() : shown(entry.first);
            const auto [first, fresh] = lines.emplace(name, line_of(entry.first.Mark()));
            if (!fresh) {
                report(entry.first, prefix + name, fmt::format("stands here again, first in line {}", first->second));
            } else {
                entry_of_group(entry.first, entry.second, prefix + name, keys, target);
            }
        }
    }

    template <typename Target>
    void entry_of_group(const YAML::Node& name, const YAML::Node& value, const std::string& path,
                        const std::vector<Key<Target>>& keys, Target& target) {
        const bool dotted = name.IsScalar() && name.Scalar().find('.') != std::string::npos;
        const auto listed = path.find(list_mark);
        const auto local = listed == std::string::npos ? path : path.substr(listed + list_mark.size());
        auto same = [&](const Key<Target>& key) { return key.name == local; };
        auto inside = [&](const Key<Target>& key) { return key.name.starts_with(local + "."); };
        const auto key = std::find_if(keys.begin(), keys.end(), same);
        if (path == "hosts") {
            hosts(value);
        } else if (path == "networks") {
            networks(value);
        } else if (key != keys.end() && !dotted) {
            single(name, value, path, [&] { key->read(target, Value(value)); });
        } else if (std::any_of(keys.begin(), keys.end(), inside) && !dotted) {
            if (!value.IsNull()) group(value, path + ".", keys, target);
        } else {
            report(name, path, "unknown key", "schema/configuration.md lists all keys");
        }
    }

    template <typename Read>
    void single(const YAML::Node& name, const YAML::Node& value, const std::string& path, Read read) {
        lines_[path] = line_of(name.Mark());
        try {
            read();
        } catch (const Error& error) {
            report(value.IsNull() ? name : value, path, with_hint(error));
        }
    }

    void hosts(const YAML::Node& list) {
        if (!list.IsSequence()) return report(list, "hosts", shown(list) + ", expected a list with one entry");
        if (list.size() != 1) {
            report(list, "hosts", fmt::format("{} entries, expected exactly one for now", list.size()));
        }
        for (const auto& host : list) group(host, "hosts[].", host_keys(), config_.hosts.front());
    }

    void networks(const YAML::Node& list) {
        if (list.IsNull()) return;
        if (!list.IsSequence()) return report(list, "networks", shown(list) + ", expected a list of networks");
        if (list.size() > most_networks)
            return report(list, "networks", fmt::format("{} entries, expected at most {}", list.size(), most_networks));
        for (const auto& entry : list) {
            NetworkConfig network;
            const auto before = errors.size();
            group(entry, "networks[].", network_keys(), network);
            if (network.name.empty() && errors.size() == before) report(entry, "networks[].name", "missing");
            network_lines_.push_back(line_of(entry.Mark()));
            config_.networks.push_back(std::move(network));
        }
    }

    /// What no single value shows.
    void check_networks() {
        const auto say = [&](std::size_t i, const std::string& what) {
            const auto line = i == 0 ? line_of_network() : network_lines_[i - 1];
            errors.push_back({line, i == 0 ? "network." + what : "networks[]." + what});
        };
        const auto all = all_networks(config_);
        for (std::size_t i = 0; i < all.size(); ++i) {
            for (const auto& what : wrong_in(*all[i])) say(i, what);
            for (std::size_t k = 0; k < i; ++k)
                for (const auto& what : wrong_between(*all[k], *all[i], k == 0)) say(i, what);
        }
    }

    int line_of_network() const {
        for (const auto& [path, line] : lines_)
            if (path.starts_with("network.")) return line;
        return 0;
    }

    /// A protocol without what it needs announces nothing.
    void check_routing() {
        const RoutingPolicy& routing = config_.routing;
        const auto line = lines_.contains("routing.protocol") ? lines_["routing.protocol"] : 0;
        if (routing.protocol == RoutingProtocol::ospf && routing.interfaces.empty())
            errors.push_back({line, "routing.protocol: ospf needs routing.interfaces: where the other routers are"});
        if (routing.protocol == RoutingProtocol::bgp && (routing.asn == 0 || routing.neighbours.empty()))
            errors.push_back({line, "routing.protocol: bgp needs routing.asn and routing.neighbours"});
    }

    /// What only tests may ask for is refused on a machine that serves people.
    void check_testing() {
        if (config_.testing.enabled) return;
        for (const auto* path : {"testing.boot_id", "testing.guests"}) {
            if (lines_.contains(path)) {
                errors.push_back({lines_[path], fmt::format("{}: refused unless testing.enabled is true", path)});
            }
        }
        const auto& uri = config_.hosts.front().vm_uri;
        if (uri.starts_with(fake_hypervisor)) {
            const auto line = lines_["hosts[].vm_uri"];
            errors.push_back({line, fmt::format("'{}': refused unless testing.enabled is true", uri)});
        }
    }

    /// What nobody says must be possible.
    void check_openings() {
        auto& policy = config_.openings;
        if (!lines_.contains("openings.default")) policy.lasts = std::min(policy.lasts, policy.longest);
        if (policy.lasts <= policy.longest) return;
        errors.push_back(
            {lines_["openings.default"], fmt::format("openings.default: {} is longer than openings.longest, {}",
                                                     to_text(policy.lasts), to_text(policy.longest))});
    }

    void fill_defaults() {
        const auto folder = config_.instance == "drover" ? "drover" : "drover-" + config_.instance;
        if (config_.state.empty()) config_.state = "/var/lib/" + folder;
        if (config_.backups.empty()) config_.backups = "/var/backups/" + folder;
        if (config_.socket.empty()) config_.socket = "/run/" + folder + "/drover.sock";
        if (config_.network.name.empty()) config_.network.name = config_.instance;
        if (config_.network.domain.empty()) config_.network.domain = config_.instance + ".internal";
    }

    void report(const YAML::Node& where, std::string path, const std::string& what, const std::string& hint = "") {
        while (path.ends_with('.')) path.pop_back();
        const auto text = path.empty() ? what : fmt::format("{}: {}", path, what);
        errors.push_back({line_of(where.Mark()), hint.empty() ? text : fmt::format("{} ({})", text, hint)});
    }

    static constexpr std::string_view list_mark = "[].";
    Config config_;
    std::map<std::string, int> lines_;
    std::vector<int> network_lines_;  ///< of each of `networks`
};

YAML::Node load(const std::string& text, const std::string& file) {
    try {
        if (const auto line = second_document(text))
            throw ConfigErrors(file, {{*line, "a second document, or something that belongs to none"}});
        return YAML::Load(text);
    } catch (const YAML::Exception& error) {
        throw ConfigErrors(file, {{line_of(error.mark), "no YAML: " + error.msg}});
    }
}

std::string summary(const std::string& file, const std::vector<ConfigError>& errors) {
    std::string result;
    for (const auto& error : errors) {
        if (!result.empty()) result += '\n';
        result += error.line == 0 ? fmt::format("{}: {}", file, error.message)
                                  : fmt::format("{}:{}: {}", file, error.line, error.message);
    }
    return result;
}

}  // namespace

ConfigErrors::ConfigErrors(const std::string& file, std::vector<ConfigError> errors)
    : Error(ErrorKind::usage, summary(file, errors)), errors_(std::move(errors)) {}

Config parse_config(const std::string& text, const std::string& file) {
    if (text.size() > longest_file) throw ConfigErrors(file, {{0, fmt::format("{} bytes long", text.size())}});
    const auto root = load(text, file);
    Reader reader;
    auto config = reader.read(root);
    if (reader.errors.empty()) return config;
    std::stable_sort(reader.errors.begin(), reader.errors.end(),
                     [](const ConfigError& a, const ConfigError& b) { return a.line < b.line; });
    throw ConfigErrors(file, std::move(reader.errors));
}

std::vector<std::string> config_keys() {
    std::vector<std::string> result;
    for (const auto& key : top_keys()) result.emplace_back(key.name);
    for (const auto& key : host_keys()) result.push_back("hosts[]." + std::string(key.name));
    for (const auto& key : network_keys()) result.push_back("networks[]." + std::string(key.name));
    return result;
}

Config read_config(const std::string& file, bool may_be_absent) {
    std::error_code error;
    if (!std::filesystem::exists(file, error) && !error) {
        if (may_be_absent) return parse_config("", file);
        throw Error(ErrorKind::not_found, fmt::format("no configuration file '{}'", file),
                    "name one with --config FILE");
    }
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    if (error || !stream || stream.bad() || std::filesystem::is_directory(file, error)) {
        throw Error(ErrorKind::failed, fmt::format("cannot read the configuration file '{}'", file),
                    "it must be a file that droverd may read");
    }
    return parse_config(text.str(), file);
}

}  // namespace drover
