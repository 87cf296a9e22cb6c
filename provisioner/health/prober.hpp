#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "health/rules.hpp"
#include "model/guest.hpp"
#include "model/probe.hpp"

namespace drover {

/// A guest that is ready, and what it is to be asked.
struct ProbeTarget {
    GuestId id = 0;
    std::string name;
    Address address;
    std::vector<Probe> probes;
};

/// What the prober needs of others; all outlive it.
struct ProberParts {
    /// Whom to ask now; called every few seconds from the prober's thread.
    std::function<std::vector<ProbeTarget>()> targets;
    /// What is to be told: a probe failed three times in a row, or it is answered again.
    std::function<void(const ProbeTarget&, const std::string& message)> tell;
    /// A probe failed so, and its profile wants this service restarted.
    std::function<void(const ProbeTarget&, const Probe&, const std::string& why)> restart;
};

/// Asks guests what their profiles want them to be asked, over the network from the host: connects, and by HTTP reads
/// the first line of the answer. One thread for all; each question has its deadline, and at most so many are open at
/// once that no guest keeps another waiting. A guest is believed nothing but that it answered.
class Prober {
  public:
    explicit Prober(ProberParts parts);
    /// Ends the thread.
    ~Prober();
    Prober(const Prober&) = delete;
    Prober& operator=(const Prober&) = delete;

    void start();

    static constexpr int failures_to_tell = 3;
    static constexpr std::size_t most_open = 256;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace drover
