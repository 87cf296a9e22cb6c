#include "guest/settings.hpp"

#include <algorithm>
#include <csignal>
#include <set>

#include "model/error.hpp"

namespace drover::guest {
namespace {

bool set_format(Settings& settings, std::string_view value) {
    settings.host_key_format = value == "dropbear" ? KeyFormat::dropbear : KeyFormat::openssh;
    return value == "dropbear" || value == "openssh";
}

bool set_signal(Settings& settings, std::string_view value) {
    settings.power_off_signal = value == "SIGUSR2" ? SIGUSR2 : SIGRTMIN + 4;
    return value == "SIGUSR2" || value == "SIGRTMIN+4";
}

bool set_source(Settings& settings, std::string_view value) {
    settings.by_cloud_init = value == "cloud-init";
    return value == "cloud-init" || value == "drover";
}

bool set_path(std::string& path, std::string_view value) {
    path = value;
    return value.starts_with('/');
}

/// `FORM FILE`
bool set_page(FirstPage& page, std::string_view value) {
    const auto space = std::min(value.find(' '), value.size());
    return set_path(page.form, value.substr(0, space)) &&
           set_path(page.file, value.substr(std::min(value.size(), space + 1)));
}

bool set(Settings& settings, std::string_view key, std::string_view value) {
    if (key == "identity_by") return set_source(settings, value);
    if (key == "host_key_format") return set_format(settings, value);
    if (key == "host_key") return set_path(settings.host_key, value);
    if (key == "authorized_keys") return set_path(settings.authorized_keys, value);
    if (key == "started") return set_path(settings.started, value);
    if (key == "first_page") return set_page(settings.first_page, value);
    if (key == "settled") return set_path(settings.settled, value);
    if (key == "renew") return set_path(settings.renew.emplace_back(), value);
    if (key == "power_off_signal") return set_signal(settings, value);
    return false;
}

}  // namespace

Settings parse_settings(std::string_view text) {
    Settings settings;
    std::set<std::string, std::less<>> seen;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (line.empty() || line.starts_with('#')) continue;
        const auto key = line.substr(0, line.find(' '));
        const auto value = line.substr(std::min(line.size(), key.size() + 1));
        if ((!seen.emplace(key).second && key != "renew") || !set(settings, key, value))
            throw Error(ErrorKind::usage, "guest.conf: '" + std::string(line) + "' is wrong or said twice");
    }
    if (!seen.contains("power_off_signal"))
        throw Error(ErrorKind::usage, "guest.conf says no power_off_signal",
                    "SIGUSR2 for busybox, SIGRTMIN+4 for systemd");
    return settings;
}

}  // namespace drover::guest
