#include "api/process_facts.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace drover {
namespace {

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double count_files() {
    std::error_code error;
    double count = 0;
    for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end; at.increment(error))
        ++count;
    return count;
}

/// When the host booted, seconds since 1970.
double boot_time() {
    std::ifstream file("/proc/stat");
    for (std::string word; file >> word;)
        if (double time = 0; word == "btime" && file >> time) return time;
    return 0;
}

/// The fields of /proc/self/stat from the third on, which comes after a name that may hold anything.
void read_stat(ProcessFacts& facts) {
    std::ifstream file("/proc/self/stat");
    std::string text;
    std::getline(file, text);
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string skipped;
    for (int field = 3; field < 20; ++field) fields >> skipped;
    double ticks = 0, virtual_bytes = 0, pages = 0;
    fields >> facts.threads >> skipped >> ticks >> virtual_bytes >> pages;
    facts.started = boot_time() + ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
    facts.resident_bytes = pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

}  // namespace

ProcessFacts read_process_facts() {
    ProcessFacts facts{.open_files = count_files()};
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) == 0) facts.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) facts.most_files = static_cast<double>(files.rlim_cur);
    read_stat(facts);
    return facts;
}

}  // namespace drover
