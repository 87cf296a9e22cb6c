#include "storage/packages.hpp"

#include <fmt/format.h>
#include <fnmatch.h>

#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "model/error.hpp"
#include "storage/digest.hpp"
#include "storage/durable.hpp"

namespace drover {
namespace fs = std::filesystem;
namespace {

/// A package that a recipe needs. The kernel's name changes with its version: it may be unknown without apt's lists.
struct Wanted {
    std::string name;     ///< empty: whatever matches `pattern`
    std::string pattern;  ///< of names that will do when it cannot be fetched
    bool installed = false;
};

/// The version that apt would install.
struct Candidate {
    std::string version, file_name, sha256;
};
using Candidates = std::map<std::string, Candidate>;

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
    return text;
}

/// "busybox-static_1%3a1.35.0-4_amd64.deb" as apt-get names what it downloads, and back.
std::string file_name_of(const std::string& name, const std::string& version, const std::string& architecture) {
    return fmt::format("{}_{}_{}.deb", name, replace_all(version, ":", "%3a"), architecture);
}

std::optional<Package> package_in(const fs::path& file) {
    const std::string name = file.stem();
    const auto first = name.find('_');
    const auto last = name.rfind('_');
    if (file.extension() != ".deb" || first == std::string::npos || first == last) return std::nullopt;
    return Package{name.substr(0, first), replace_all(name.substr(first + 1, last - first - 1), "%3a", ":"), file};
}

// ---- what apt knows ------------------------------------------------------------------------------------------------

const std::string any_kernel = "linux-image-[0-9]*";

bool matches(const std::string& pattern, const std::string& name) {
    return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

/// "linux-image-cloud-amd64" stands for a kernel: for the one that it depends on.
Wanted wanted_kernel(const std::string& package, const BuildWork& work) {
    if (matches(any_kernel, package)) return {package, package};
    const std::string stem = "linux-image";
    const std::string flavour = package.starts_with(stem) ? package.substr(stem.size()) : "";
    std::istringstream words(run(work.command({"apt-cache", "depends", "--important", package})).output);
    for (std::string word; words >> word;)
        if (matches(any_kernel, word)) return {word, any_kernel + flavour};
    return {"", any_kernel + flavour};
}

/// What apt would install into an empty system: the recipe's packages, Debian's essential ones, and all that these
/// depend on. Sorted, because the order of apt is of no use to anybody.
std::set<std::string> closure(const std::vector<std::string>& names, const BuildWork& work) {
    std::vector<std::string> argv{
        "apt-get", "-qq",       "--simulate", "--no-install-recommends", "-o", "Dir::State::Status=/dev/null",
        "install", "?essential"};
    argv.insert(argv.end(), names.begin(), names.end());
    std::istringstream lines(run_or_throw(work.command(argv)));
    std::set<std::string> all;
    for (std::string line; std::getline(lines, line);) {  // "Inst bash (5.2.15-2+b7 Debian:12.5/stable [amd64])"
        std::istringstream words(line);
        std::string verb;
        std::string name;
        if (words >> verb >> name && verb == "Inst") all.insert(name);
    }
    return all;
}

std::vector<Wanted> wanted_packages(const Recipe& recipe, const BuildWork& work) {
    std::vector<Wanted> wanted;
    for (const auto& name : recipe.packages) wanted.push_back({name, name});
    if (!recipe.kernel_package.empty()) wanted.push_back(wanted_kernel(recipe.kernel_package, work));
    if (!recipe.install.empty())
        for (const auto& name : closure(recipe.install, work)) wanted.push_back({name, name, true});
    return wanted;
}

/// What apt's lists say; a package that they do not know is left out, also one that is merely installed on this host:
/// there is nowhere to fetch it from, and one that cannot be fetched makes apt-get fetch none.
Candidates find_candidates(const std::vector<Wanted>& wanted, const BuildWork& work) {
    std::vector<std::string> argv{"apt-cache", "show", "--no-all-versions"};
    for (const auto& package : wanted)
        if (!package.name.empty()) argv.push_back(package.name);
    std::istringstream stanzas(run(work.command(argv)).output);
    Candidates candidates;
    std::map<std::string, std::string> fields;
    const auto take_stanza = [&] {
        if (!fields["SHA256"].empty())
            candidates[fields["Package"]] = {fields["Version"],
                                             file_name_of(fields["Package"], fields["Version"], fields["Architecture"]),
                                             fields["SHA256"]};
        fields.clear();
    };
    for (std::string line; std::getline(stanzas, line);) {
        if (line.empty()) take_stanza();
        const auto colon = line.find(": ");
        if (colon != std::string::npos) fields.emplace(line.substr(0, colon), line.substr(colon + 2));
    }
    take_stanza();
    return candidates;
}

// ---- the cache -----------------------------------------------------------------------------------------------------

bool is_intact(const fs::path& file, const Candidate& candidate) {
    return fs::is_regular_file(file) && digest_of_file(file) == candidate.sha256;
}

/// Those that the cache does not hold in the version that apt would install. A damaged file is dropped from it.
Candidates missing_from(const fs::path& cache, const Candidates& candidates) {
    Candidates missing;
    for (const auto& [name, candidate] : candidates) {
        const auto file = cache / candidate.file_name;
        if (is_intact(file, candidate)) continue;
        remove_tree(file);
        missing.emplace(name, candidate);
    }
    return missing;
}

/// Fetches aside and moves in what came whole. False when not all did.
bool download(const Candidates& missing, const fs::path& cache, const BuildWork& work) {
    const Scratch scratch(cache);
    std::vector<std::string> argv{"apt-get",
                                  "download",
                                  "-q",
                                  "-o",
                                  "APT::Sandbox::User=root",
                                  "-o",
                                  "Acquire::Retries=2",
                                  "-o",
                                  "Acquire::http::Timeout=20"};
    for (const auto& [name, candidate] : missing) argv.push_back(fmt::format("{}={}", name, candidate.version));
    work.tell(fmt::format("fetching {} packages", missing.size()));
    const auto outcome = run(work.command(argv, scratch.path()));
    bool complete = true;
    for (const auto& [name, candidate] : missing) {
        const auto file = scratch.path() / candidate.file_name;
        if (is_intact(file, candidate)) {
            sync_path(file);
            rename_new(file, cache / candidate.file_name);
        } else {
            complete = false;
        }
    }
    if (!complete)
        work.tell("not all packages could be fetched: " + outcome.errors.substr(0, outcome.errors.find('\n')));
    return complete;
}

bool is_newer(const std::string& version, const std::string& than, const BuildWork& work) {
    return run(work.command({"dpkg", "--compare-versions", version, "gt", than})).ok();
}

std::optional<Package> newest_cached(const std::string& pattern, const fs::path& cache, const BuildWork& work) {
    std::optional<Package> newest;
    for (const auto& file : entries_of(cache)) {
        const auto package = package_in(file);
        if (!package || !matches(pattern, package->name)) continue;
        if (!newest || is_newer(package->version, newest->version, work)) newest = package;
    }
    return newest;
}

Package pick(const Wanted& wanted, const Candidates& candidates, const fs::path& cache, const BuildWork& work) {
    const auto known = candidates.find(wanted.name);
    if (known != candidates.end() && fs::exists(cache / known->second.file_name))
        return {wanted.name, known->second.version, cache / known->second.file_name};
    const auto cached = newest_cached(wanted.pattern, cache, work);
    if (!cached)
        throw Error(ErrorKind::failed,
                    fmt::format("package {} can neither be fetched nor is it in {}", wanted.pattern, cache.string()),
                    "see that the network is up and the name is right, run apt-get update, then build again");
    work.tell(fmt::format("cannot fetch {}: using {} {} of the cache", wanted.pattern, cached->name, cached->version));
    return *cached;
}

}  // namespace

std::vector<Package> fetch_packages(const Recipe& recipe, const fs::path& cache, const BuildWork& work) {
    const auto wanted = wanted_packages(recipe, work);
    if (wanted.empty()) return {};
    make_folders(cache);
    const auto candidates = find_candidates(wanted, work);
    const auto missing = missing_from(cache, candidates);
    if (!missing.empty()) download(missing, cache, work);
    std::vector<Package> packages;
    for (const auto& package : wanted) {
        packages.push_back(pick(package, candidates, cache, work));
        packages.back().installed = package.installed;
    }
    return packages;
}

}  // namespace drover
