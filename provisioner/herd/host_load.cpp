#include "herd/host_load.hpp"

#include <sched.h>
#include <sys/statvfs.h>

#include <fstream>
#include <sstream>

namespace drover {
namespace {

std::string text_of(const char* file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

int usable_cores() {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    return ::sched_getaffinity(0, sizeof cores, &cores) == 0 ? std::max(1, CPU_COUNT(&cores)) : 1;
}

}  // namespace

std::optional<double> pressure_in(const std::string& text, const std::string& kind) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        double percent = 0;
        if (line.starts_with(kind) && std::sscanf(line.c_str() + kind.size(), " avg10=%lf", &percent) == 1) {
            return percent;
        }
    }
    return std::nullopt;
}

std::optional<long long> free_memory_in(const std::string& text) {
    const auto line = text.find("MemAvailable:");
    long long kibibytes = 0;
    if (line == std::string::npos || std::sscanf(text.c_str() + line, "MemAvailable: %lld kB", &kibibytes) != 1) {
        return std::nullopt;
    }
    return kibibytes << 10;
}

HostLoad read_host_load(const std::string& folder) {
    const auto memory = text_of("/proc/pressure/memory");
    const auto io = text_of("/proc/pressure/io");
    HostLoad load{.cores = usable_cores(),
                  .memory_some = pressure_in(memory, "some"),
                  .memory_full = pressure_in(memory, "full"),
                  .io_some = pressure_in(io, "some"),
                  .io_full = pressure_in(io, "full"),
                  .free_memory = free_memory_in(text_of("/proc/meminfo"))};
    struct statvfs disk {};
    if (::statvfs(folder.c_str(), &disk) == 0) {
        load.free_disk = static_cast<long long>(disk.f_bavail) * static_cast<long long>(disk.f_frsize);
    }
    return load;
}

}  // namespace drover
