#pragma once
#include <string>

#include "config/config.hpp"
#include "model/diagnosis.hpp"

namespace drover {

/// Tells what on this host will bite, and how to mend it. It changes nothing, needs no running daemon, and shares no
/// code with the engine.
class Doctor {
  public:
    /// What it looks with; tests bring their own.
    struct Tools {
        std::string virsh = "virsh";
        std::string system{};  ///< stands before /proc, /sys, /etc, /run ... where facts are read from
    };

    explicit Doctor(Config config);
    Doctor(Config config, Tools tools);

    /// One diagnosis of each check, in a fixed order. A check that cannot look says so with level warn. At most some 10
    /// seconds, even where libvirt hangs. Any thread; throws nothing but lack of memory.
    [[nodiscard]] Diagnoses run() const;

  private:
    Config config_;
    Tools tools_;
};

}  // namespace drover
