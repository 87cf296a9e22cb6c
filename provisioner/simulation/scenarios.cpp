#include "simulation/virtual_herd.hpp"

namespace drover {

const std::vector<Scenario>& standard_scenarios() {
    static const std::vector<Scenario> scenarios{
        {.name = "small",  // containers on two cores: nothing but the CPU is short
         .host = {.cores = 2, .disks = 4},
         .guests = 300,
         .start = {.disk = 0.1, .cpu = 0.8, .wait = 0.2, .memory = 16, .remaining = 12}},
        {.name = "patient",  // most of a start is waiting: timers, DHCP
         .host = {.cores = 4, .disks = 4},
         .guests = 500,
         .start = {.disk = 0.1, .cpu = 0.5, .wait = 5, .memory = 96, .remaining = 64}},
        {.name = "large",  // many cores, heavy starts
         .host = {.cores = 32, .disks = 16},
         .guests = 1000,
         .start = {.disk = 0.3, .cpu = 6, .wait = 2, .memory = 512, .remaining = 256}},
        {.name = "disk",  // one disk that seeks
         .host = {.cores = 8, .disks = 1, .seek = 0.03},
         .guests = 300,
         .start = {.disk = 2, .cpu = 1, .wait = 1, .memory = 96, .remaining = 64}},
        {.name = "memory",  // all fit when they are ready, but few while they start; some crash, some hang
         .host = {.cores = 8, .disks = 4, .memory = 500 * 64 + 10 * 512},
         .guests = 500,
         .start = {.disk = 0.2, .cpu = 3, .wait = 4, .memory = 512, .remaining = 64},
         .crash = 0.02,
         .hang = 0.005,
         .ready_timeout = std::chrono::seconds(60)},
    };
    return scenarios;
}

}  // namespace drover
