#include "model/service.hpp"

#include <algorithm>
#include <array>

#include "model/names.hpp"
#include "model/words.hpp"

namespace drover {
namespace {

constexpr Words<ServiceStatus, 5> statuses{"state of a service", {"unknown", "up", "down", "failed", "absent"}};
constexpr Words<ServiceAct, 4> acts{"act", {"START", "STOP", "RESTART", "STATUS"}};
constexpr Words<ServiceVerb, 5> verbs{"verb of services", {"enable", "disable", "start", "stop", "restart"}};
constexpr std::string_view parameter = "droverd.services=";
constexpr std::size_t longest_unit = 128;
constexpr std::size_t longest_path = 200;

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool consists_of(std::string_view text, std::string_view others) {
    return std::all_of(text.begin(), text.end(),
                       [&](char c) { return is_letter_or_digit(c) || others.find(c) != std::string_view::npos; });
}

bool is_service_name(std::string_view name) {
    try {
        check_plain_name("service", name);
        return true;
    } catch (const Error&) {
        return false;
    }
}

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = text.find(at);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

/// "web:up:/etc/drover/services/web"
std::optional<Service> parse_service(std::string_view text) {
    const auto parts = split(text, ':');
    if (parts.size() < 3 || parts.size() > 4 || !is_service_name(parts[0])) return std::nullopt;
    if (parts[1] != "up" && parts[1] != "down") return std::nullopt;
    Service service{.name = std::string(parts[0]), .up = parts[1] == "up", .unit = {}, .command = {}};
    for (std::size_t i = 2; i < parts.size(); ++i) {
        const bool is_command = parts[i].starts_with('/');
        auto& way = is_command ? service.command : service.unit;
        if (!way.empty() || !(is_command ? is_command_path(parts[i]) : is_unit_name(parts[i]))) return std::nullopt;
        way = parts[i];
    }
    return service;
}

}  // namespace

std::string_view to_text(ServiceStatus status) { return statuses.text(status); }
ServiceStatus parse_service_status(std::string_view text) { return statuses.parse(text); }
std::string_view to_text(ServiceAct act) { return acts.text(act); }
ServiceAct parse_service_act(std::string_view text) { return acts.parse(text); }
std::string_view to_text(ServiceVerb verb) { return verbs.text(verb); }
ServiceVerb parse_service_verb(std::string_view text) { return verbs.parse(text); }

ServiceAct act_of(ServiceVerb verb) {
    if (verb == ServiceVerb::restart) return ServiceAct::restart;
    return verb == ServiceVerb::enable || verb == ServiceVerb::start ? ServiceAct::start : ServiceAct::stop;
}

bool is_lasting(ServiceVerb verb) { return verb == ServiceVerb::enable || verb == ServiceVerb::disable; }

bool is_unit_name(std::string_view unit) {
    constexpr std::array<std::string_view, 5> suffixes{".service", ".socket", ".target", ".timer", ".path"};
    const auto ends = [&](std::string_view suffix) { return unit.size() > suffix.size() && unit.ends_with(suffix); };
    return unit.size() <= longest_unit && consists_of(unit, "_.@-") && !unit.starts_with('-') &&
           std::any_of(suffixes.begin(), suffixes.end(), ends);
}

bool is_command_path(std::string_view path) {
    const auto has = [&](std::string_view part) { return (std::string(path) + "/").find(part) != std::string::npos; };
    return path.size() > 1 && path.size() <= longest_path && path.front() == '/' && consists_of(path, "/._-+@") &&
           !has("//") && !has("/../") && !has("/./");
}

std::string service_parameter(const std::vector<Service>& services) {
    std::string text;
    for (const Service& service : services) {
        text += (text.empty() ? std::string(parameter) : ",") + service.name + (service.up ? ":up" : ":down");
        for (const auto& way : {service.unit, service.command})
            if (!way.empty()) text += ":" + way;
    }
    return text;
}

std::optional<std::vector<Service>> parse_services(std::string_view text) {
    std::vector<Service> services;
    for (const auto part : split(text, ',')) {
        auto service = parse_service(part);
        if (!service || find_service(services, service->name) != nullptr) return std::nullopt;
        services.push_back(std::move(*service));
    }
    return services;
}

const Service* find_service(const std::vector<Service>& services, std::string_view name) {
    const auto found = std::find_if(services.begin(), services.end(), [&](const Service& s) { return s.name == name; });
    return found == services.end() ? nullptr : &*found;
}

}  // namespace drover
