#include "storage/profiles.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <string_view>
#include <tuple>
#include <vector>

#include "model/error.hpp"
#include "model/names.hpp"
#include "storage/digest.hpp"
#include "storage/durable.hpp"
#include "storage/probe_reader.hpp"
#include "storage/strict_yaml.hpp"

namespace drover {
namespace fs = std::filesystem;
namespace {

/// The kernel takes 2047 characters in all; the image and Drover need some of them.
constexpr std::size_t longest_parameters = 1200;

bool is_path_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._-+@").find(c) != std::string_view::npos;
}

/// Absolute, in its plain form, and safe inside a comma-separated kernel parameter.
void check_path(const std::string& path) {
    const bool plain = path.size() > 1 && path.front() == '/' && path.back() != '/' &&
                       fs::path(path).lexically_normal().string() == path &&
                       std::all_of(path.begin(), path.end(), is_path_character);
    if (!plain)
        throw Error(ErrorKind::usage, fmt::format("'{}' is no plain absolute path", path),
                    "written like /var/lib/thing, of A-Z a-z 0-9 / . _ - + @");
}

bool overlap(const std::string& a, const std::string& b) {
    return a == b || a.starts_with(b + "/") || b.starts_with(a + "/");
}

std::string read_way(const StrictYaml& yaml, const char* key, bool (*is_good)(std::string_view), const char* form) {
    const auto value = yaml.text(key);
    if (!value) return "";
    if (!is_good(value->text)) yaml.refuse(value->line, fmt::format("'{}' is no {}", value->text, key), form);
    return value->text;
}

int read_priority(const StrictYaml& yaml) {
    const auto value = yaml.text("priority");
    if (!value) return Service{}.priority;
    const auto& text = value->text;
    const bool is_number = !text.empty() && text.size() <= 2 && text.find_first_not_of("0123456789") == text.npos;
    if (!is_number) yaml.refuse(value->line, fmt::format("'{}' is no priority", text), "0 to 99, the lowest first");
    return std::stoi(text);
}

bool read_wanted(const StrictYaml& yaml) {
    const auto word = yaml.text("wanted");
    if (!word || word->text == "up") return true;
    if (word->text == "down") return false;
    yaml.refuse(word->line, fmt::format("unknown value '{}' of wanted", word->text), "one of: up, down");
}

Service read_service(const StrictYaml& yaml) {
    const auto name = yaml.required("name");
    yaml.at(name, [](const std::string& text) { check_plain_name("service", text); });
    Service service{.name = name.text, .priority = read_priority(yaml), .up = read_wanted(yaml)};
    service.unit = read_way(yaml, "unit", is_unit_name, "written like apache2.service, of A-Z a-z 0-9 _ . @ -");
    service.command = read_way(yaml, "command", is_command_path,
                               "a program of the root that takes start, stop, restart or status: "
                               "/etc/drover/services/web");
    if (service.unit.empty() && service.command.empty())
        yaml.refuse(name.line, fmt::format("service '{}' has neither unit nor command", name.text));
    return service;
}

class ProfileReader {
  public:
    explicit ProfileReader(const fs::path& folder)
        : folder_(folder),
          yaml_(folder / "overlay.yaml",
                {"description", "persistent", "merged", "volatile", "fork", "services", "probes"}) {}

    Profile read() {
        Profile profile;
        profile.name = folder_.filename();
        check_plain_name("profile", profile.name);
        profile.persistent = paths("persistent");
        profile.merged = paths("merged");
        profile.volatile_ = paths("volatile");
        profile.fork = fork();
        profile.probes = read_probes(yaml_);
        if (fs::is_directory(folder_ / "skeleton")) profile.skeleton = fs::absolute(folder_ / "skeleton");
        profile.services = services();
        if (kernel_parameters(profile).size() + service_parameter(profile.services).size() > longest_parameters)
            yaml_.refuse(
                0, fmt::format("its paths and services take more than {} characters together", longest_parameters),
                "name folders instead of the files in them");
        return profile;
    }

  private:
    std::vector<std::string> paths(const std::string& key) {
        std::vector<std::string> texts;
        for (const auto& path : yaml_.list(key)) {
            yaml_.at(path, check_path);
            for (const auto& other : taken_)
                if (overlap(path.text, other.text))
                    yaml_.refuse(path.line,
                                 fmt::format("'{}' overlaps '{}' of line {}", path.text, other.text, other.line));
            taken_.push_back(path);
            texts.push_back(path.text);
        }
        return texts;
    }

    std::vector<Service> services() {
        std::vector<Service> result;
        for (const auto& yaml : yaml_.mappings("services", {"name", "priority", "unit", "command", "wanted"})) {
            result.push_back(read_service(yaml));
            const auto& name = result.back().name;
            if (find_service(result, name) != &result.back())
                yaml.refuse(yaml.line(), fmt::format("service '{}' is there twice", name));
        }
        std::sort(result.begin(), result.end(), [](const Service& a, const Service& b) {
            return std::tie(a.priority, a.name) < std::tie(b.priority, b.name);
        });
        return result;
    }

    bool fork() {
        const auto word = yaml_.text("fork");
        if (!word || word->text == "allowed") return true;
        if (word->text == "never") return false;
        yaml_.refuse(word->line, fmt::format("unknown value '{}' of fork", word->text), "one of: allowed, never");
    }

    fs::path folder_;
    StrictYaml yaml_;
    std::vector<Located> taken_;
};

/// Adds a skeleton's tree: of each entry its place, kind, mode, owner and content.
void add_tree(Digest& digest, const fs::path& folder, const std::string& inside) {
    for (const auto& path : entries_of(folder)) {
        const auto name = inside + "/" + path.filename().string();
        struct stat info {};
        if (::lstat(path.c_str(), &info) != 0) throw_errno("read", path);
        digest.add(fmt::format("{} {:o} {}:{}\n", name, info.st_mode, info.st_uid, info.st_gid));
        if (S_ISREG(info.st_mode)) digest.add(digest_of_file(path));
        if (S_ISLNK(info.st_mode)) digest.add(fs::read_symlink(path).string());
        if (S_ISDIR(info.st_mode)) add_tree(digest, path, name);
    }
}

}  // namespace

Profile read_profile(const fs::path& folder) { return ProfileReader(folder).read(); }

std::map<std::string, Profile> read_profiles(const fs::path& folder) {
    std::map<std::string, Profile> profiles;
    for (const auto& path : entries_of(folder)) {
        if (!fs::exists(path / "overlay.yaml")) continue;
        auto profile = read_profile(path);
        if (profile.name == cloud_profile)
            throw Error(ErrorKind::usage, fmt::format("{}: no profile can be named '{}'", path.string(), cloud_profile),
                        "it means guests of cloud images");
        profiles.emplace(profile.name, std::move(profile));
    }
    return profiles;
}

std::string fingerprint(const Profile& profile) {
    Digest digest;
    digest.add(kernel_parameters(profile)).add("\n");
    if (!profile.skeleton.empty()) add_tree(digest, profile.skeleton, "");
    return digest.hex().substr(0, 16);
}

}  // namespace drover
