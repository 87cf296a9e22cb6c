#include "storage/recipe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "model/error.hpp"
#include "model/names.hpp"
#include "storage/strict_yaml.hpp"

namespace drover {
namespace {

constexpr std::size_t longest_parameters = 512;
constexpr std::size_t longest_memory = 6;  ///< digits: below 1 TiB

/// Debian policy 5.6.1; so no package name can look like an option.
void check_package_name(const std::string& name) {
    const auto lower_or_digit = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    const auto inner = [&](char c) { return lower_or_digit(c) || c == '+' || c == '-' || c == '.'; };
    if (name.size() < 2 || !lower_or_digit(name.front()) || !std::all_of(name.begin(), name.end(), inner))
        throw Error(ErrorKind::usage, fmt::format("'{}' is no package name", name), "a-z 0-9 + - ., from 2 characters");
}

/// They become one line of the kernel's, and one line of a digest.
void check_kernel_parameters(const std::string& text) {
    const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
    if (text.size() > longest_parameters || !std::all_of(text.begin(), text.end(), printable))
        throw Error(ErrorKind::usage, fmt::format("'{}' cannot be kernel parameters", text),
                    fmt::format("one line of printable ASCII, at most {} characters", longest_parameters));
}

/// "256MiB".
void check_memory(const std::string& text) {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0 || digits > longest_memory || text.substr(digits) != "MiB")
        throw Error(ErrorKind::usage, fmt::format("'{}' is no size of a memory", text), "written like 256MiB");
}

void check_fork_point(const std::string& word) {
    if (word != "early" && word != "ready")
        throw Error(ErrorKind::usage, fmt::format("unknown fork point '{}'", word), "one of: early, ready");
}

std::vector<std::string> read_packages(const StrictYaml& yaml, const std::string& key) {
    std::vector<std::string> names;
    std::set<std::string> seen;
    for (const auto& package : yaml.list(key)) {
        yaml.at(package, check_package_name);
        if (!seen.insert(package.text).second)
            yaml.refuse(package.line, fmt::format("'{}' is there twice", package.text));
        names.push_back(package.text);
    }
    return names;
}

/// The text under `key` once `check` accepts it; `otherwise` when the key is absent.
std::string checked(const StrictYaml& yaml, const std::string& key, void (*check)(const std::string&),
                    const std::string& otherwise = "") {
    const auto value = yaml.text(key);
    if (!value) return otherwise;
    yaml.at(*value, check);
    return value->text;
}

}  // namespace

Recipe read_recipe(const std::filesystem::path& folder) {
    const auto file = folder / "image.yaml";
    if (!std::filesystem::is_regular_file(file))
        throw Error(ErrorKind::not_found, fmt::format("no recipe for an image '{}'", folder.filename().string()),
                    fmt::format("a recipe is {}", file.string()));
    const StrictYaml yaml(file, {"name", "description", "packages", "install", "kernel_package", "kernel_parameters",
                                 "memory", "profile", "fork_point"});
    Recipe recipe;
    const auto name = yaml.required("name");
    yaml.at(name, [](const std::string& text) { check_plain_name("image", text); });
    if (name.text != folder.filename())
        yaml.refuse(name.line, fmt::format("name '{}' is not its folder's", name.text),
                    fmt::format("name: {}", folder.filename().string()));
    recipe.name = name.text;
    recipe.description = yaml.text("description").value_or(Located{}).text;
    recipe.packages = read_packages(yaml, "packages");
    recipe.install = read_packages(yaml, "install");
    recipe.kernel_package = checked(yaml, "kernel_package", check_package_name);
    recipe.kernel_parameters = checked(yaml, "kernel_parameters", check_kernel_parameters);
    const auto memory = checked(yaml, "memory", check_memory, "0MiB");
    recipe.memory = std::stoll(memory) << 20;
    const auto profile = yaml.required("profile");
    yaml.at(profile, [](const std::string& text) { check_plain_name("profile", text); });
    recipe.profile = profile.text;
    recipe.fork_point = checked(yaml, "fork_point", check_fork_point, recipe.fork_point);
    recipe.assemble = std::filesystem::absolute(folder / "assemble");
    return recipe;
}

}  // namespace drover
