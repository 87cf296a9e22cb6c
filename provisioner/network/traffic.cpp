#include "network/traffic.hpp"

#include <filesystem>
#include <fstream>

#include "model/names.hpp"
#include "network/ports.hpp"

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
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(devices, error)) {
        const auto guest = guest_of_device(instance, entry.path().filename().string());
        if (!guest) continue;
        if (const auto traffic = traffic_of(instance, *guest)) result[*guest] = *traffic;
    }
    return result;
}

}  // namespace drover
