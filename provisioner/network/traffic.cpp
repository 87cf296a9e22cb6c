#include "network/traffic.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>

#include "model/names.hpp"

namespace drover {
namespace {

namespace fs = std::filesystem;

const std::string devices = "/sys/class/net/";

std::optional<long long> counter(const std::string& device, const char* name) {
    std::ifstream file(devices + device + "/statistics/" + name);
    long long value = 0;
    return file >> value ? std::optional(value) : std::nullopt;
}

}  // namespace

/// The host's end receives what the guest sends.
std::optional<Traffic> traffic_of(const std::string& instance, GuestId guest) {
    const auto device = device_name(instance, guest);
    const auto sent = counter(device, "rx_bytes"), received = counter(device, "tx_bytes");
    const auto sent_packets = counter(device, "rx_packets"), received_packets = counter(device, "tx_packets");
    if (!sent || !received || !sent_packets || !received_packets) return std::nullopt;
    return Traffic{*sent, *received, *sent_packets, *received_packets};
}

std::map<GuestId, Traffic> all_traffic(const std::string& instance) {
    std::map<GuestId, Traffic> result;
    const auto prefix = device_prefix(instance);
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(devices, error)) {
        const auto name = entry.path().filename().string();
        if (!name.starts_with(prefix)) continue;
        GuestId id = 0;
        const auto* end = name.data() + name.size();
        if (std::from_chars(name.data() + prefix.size(), end, id).ptr != end || id <= 0) continue;
        if (const auto traffic = traffic_of(instance, id)) result[id] = *traffic;
    }
    return result;
}

}  // namespace drover
