#include "registry/uptime.hpp"

#include <ctime>
#include <fstream>

namespace drover {
namespace {

std::string boot_id() {
    std::string id;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
    return id;
}

}  // namespace

Uptime kernel_uptime() {
    static const std::string boot = boot_id();
    timespec since{};
    ::clock_gettime(CLOCK_BOOTTIME, &since);
    return {boot, std::chrono::duration_cast<Duration>(std::chrono::seconds(since.tv_sec) +
                                                       std::chrono::nanoseconds(since.tv_nsec))};
}

}  // namespace drover
