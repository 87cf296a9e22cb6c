#pragma once
#include <string>

#include "model/time.hpp"

namespace drover {

/// A question from the host to a guest's address, which a profile asks for: does anybody answer at this port?
struct Probe {
    int port = 0;
    std::string path;  ///< of a GET by HTTP, which 200 to 399 answers; empty: to be let in at the port is enough
    Duration interval = std::chrono::seconds(30);
    Duration timeout = std::chrono::seconds(5);
    std::string restart;  ///< the service to be restarted when it fails; empty: none

    bool operator==(const Probe&) const = default;
};

/// "tcp 80", "http 80 /path".
inline std::string to_text(const Probe& probe) {
    const auto port = std::to_string(probe.port);
    return probe.path.empty() ? "tcp " + port : "http " + port + " " + probe.path;
}

}  // namespace drover
