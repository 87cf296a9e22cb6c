#pragma once

namespace drover {

/// This process, as monitoring wants to know it; what the kernel does not tell is 0.
struct ProcessFacts {
    double cpu_seconds = 0;
    double resident_bytes = 0;
    double open_files = 0, most_files = 0;
    double threads = 0;
    double started = 0;  ///< seconds since 1970
};

ProcessFacts read_process_facts();

}  // namespace drover
