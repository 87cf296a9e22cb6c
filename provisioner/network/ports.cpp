#include "network/ports.hpp"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <charconv>
#include <filesystem>

#include "model/names.hpp"
#include "model/unique_fd.hpp"

namespace drover {
namespace fs = std::filesystem;
namespace {

constexpr const char* interfaces = "/sys/class/net";

bool plug(const std::string& bridge, const std::string& port) {
    const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    bridge.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_ifindex = static_cast<int>(if_nametoindex(port.c_str()));
    return socket && request.ifr_ifindex != 0 && ioctl(socket.get(), SIOCBRADDIF, &request) == 0;
}

}  // namespace

std::optional<GuestId> guest_of_device(const std::string& instance, const std::string& device) {
    const auto prefix = device_prefix(instance);
    if (!device.starts_with(prefix)) return std::nullopt;
    GuestId id = 0;
    const auto* const end = device.data() + device.size();
    const auto [at, error] = std::from_chars(device.data() + prefix.size(), end, id);
    return error == std::errc() && at == end && id > 0 ? std::optional(id) : std::nullopt;
}

std::vector<std::string> plug_in(const std::string& instance, const std::function<std::string(GuestId)>& bridge_of) {
    std::vector<std::string> plugged;
    std::error_code error;
    for (fs::directory_iterator at(interfaces, error), end; !error && at != end; at.increment(error)) {
        const auto port = at->path().filename().string();
        const auto id = guest_of_device(instance, port);
        std::error_code none;
        if (!id || fs::exists(at->path() / "master", none)) continue;
        const auto bridge = bridge_of(*id);
        if (!bridge.empty() && plug(bridge, port)) plugged.push_back(port);
    }
    return plugged;
}

}  // namespace drover
