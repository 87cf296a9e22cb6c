#include "guest/kernel_line.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "model/error.hpp"

namespace drover::guest {
namespace {

void check_path(const std::string& path) {
    const auto has = [&](std::string_view part) { return (path + "/").find(part) != std::string::npos; };
    if (path.size() < 2 || path.front() != '/' || has("//") || has("/../") || has("/./"))
        throw Error(ErrorKind::usage, "'" + path + "' on the kernel command line is no absolute plain path");
}

std::vector<std::string> parse_paths(std::string_view text) {
    std::vector<std::string> paths;
    while (!text.empty()) {
        const auto comma = text.find(',');
        paths.emplace_back(text.substr(0, comma));
        check_path(paths.back());
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    return paths;
}

/// "7,/home,/root"
Keep parse_keep(std::string_view text) {
    Keep keep;
    const auto comma = std::min(text.find(','), text.size());
    const auto [end, error] = std::from_chars(text.data(), text.data() + comma, keep.overlay);
    if (error != std::errc() || end != text.data() + comma || keep.overlay < 1)
        throw Error(ErrorKind::usage, "'" + std::string(text) + "' on the kernel command line names no overlay");
    keep.paths = parse_paths(text.substr(std::min(text.size(), comma + 1)));
    return keep;
}

std::vector<Service> read_services(std::string_view text) {
    auto services = parse_services(text);
    if (!services)
        throw Error(ErrorKind::usage, "'" + std::string(text) + "' on the kernel command line names no services");
    return *services;
}

}  // namespace

KernelLine parse_kernel_line(std::string_view text) {
    KernelLine line;
    while (!text.empty()) {
        const auto word = text.substr(0, text.find_first_of(" \n"));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        constexpr std::string_view version = "droverd.version=", services = "droverd.services=";
        if (word.starts_with(version)) line.version = word.substr(version.size());
        if (word.starts_with(services)) line.profile.services = read_services(word.substr(services.size()));
        if (!word.starts_with("drover.")) continue;
        const auto key = word.substr(0, word.find('='));
        const auto value = word.substr(std::min(word.size(), key.size() + 1));
        if (key == "drover.persistent")
            line.profile.persistent = parse_paths(value);
        else if (key == "drover.merged")
            line.profile.merged = parse_paths(value);
        else if (key == "drover.volatile")
            line.profile.volatile_ = parse_paths(value);
        else if (key == "drover.keep")
            line.keep = parse_keep(value);
        else if (key == "drover.template" && (value == "early" || value == "ready"))
            line.template_ = value;
        else if (word == "drover.probe")
            line.probe = true;
        else
            throw Error(ErrorKind::usage, "'" + std::string(word) + "' on the kernel command line is unknown");
    }
    return line;
}

}  // namespace drover::guest
