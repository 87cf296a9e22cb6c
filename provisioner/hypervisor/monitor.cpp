#include "hypervisor/monitor.hpp"

#include <fmt/format.h>
#include <libvirt/libvirt-qemu.h>

#include <array>

#include "hypervisor/connection.hpp"
#include "hypervisor/handles.hpp"

namespace drover {
namespace {

std::string line_of(const std::string& command, const nlohmann::json& arguments) {
    nlohmann::json line{{"execute", command}};
    if (!arguments.is_null()) line["arguments"] = arguments;
    return line.dump();
}

}  // namespace

nlohmann::json Monitor::ask(const std::string& command, const nlohmann::json& arguments) const {
    char* reply = nullptr;
    const int result = virDomainQemuMonitorCommand(domain_, line_of(command, arguments).c_str(), &reply, 0);
    return returned(command, result, reply);
}

void Monitor::give(const std::string& file_name, int file) const {
    const std::string command = "getfd";
    char* reply = nullptr;
    std::array<int, 1> files{file};
    const auto line = line_of(command, {{"fdname", file_name}});
    const int result =
        virDomainQemuMonitorCommandWithFiles(domain_, line.c_str(), 1, files.data(), nullptr, nullptr, &reply, 0);
    static_cast<void>(returned(command, result, reply));
}

nlohmann::json Monitor::returned(const std::string& command, int result, char* reply) const {
    const TextHandle text(reply);
    const auto doing = fmt::format("{} of domain {}", command, name_);
    if (result < 0) throw last_error(doing);
    const auto json = nlohmann::json::parse(text ? text.get() : "", nullptr, false);
    if (json.is_object() && json.contains("return")) return json.at("return");
    const auto problem = json.is_object() && json.contains("error") && json.at("error").is_object()
                             ? json.at("error").value("desc", "no reason given")
                             : std::string("no answer that can be read");
    throw Error(ErrorKind::failed, fmt::format("{}: {}", doing, problem));
}

}  // namespace drover
