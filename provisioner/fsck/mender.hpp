#pragma once
#include <string>

#include "fsck/checks.hpp"
#include "fsck/fsck.hpp"

namespace drover::fsck {

/// Mends what was found, one thing at a time. Each time it looks once more, just before, whether the thing is still
/// what it was found to be: minutes may have passed, and what is gone from here cannot be brought back.
class Mender {
  public:
    /// The references outlive it.
    Mender(const Sight& sight, const Fsck::Tools& tools, RegistryReader& registry, const Hypervisors& hypervisors);

    /// Mends, and says what was done, or why not.
    std::string carry_out(const Mend& mend);

  private:
    static std::string mend_it(std::monostate nothing);
    std::string mend_it(const RemoveDomain& mend);
    std::string mend_it(const MoveToLost& mend);
    std::string mend_it(const MoveRootToLost& mend);
    std::string mend_it(const MoveCopyToLost& mend);
    std::string mend_it(const MoveLogToLost& mend);
    std::string mend_it(const MoveTemplateToLost& mend);
    std::string mend_it(const EndTemplate& mend);
    std::string mend_it(const ForgetHost& mend);
    std::string mend_it(const RemoveName& mend);
    std::string mend_it(const RemoveLine& mend);

    const Sight& sight_;
    const Fsck::Tools& tools_;
    RegistryReader& registry_;
    const Hypervisors& hypervisors_;
};

}  // namespace drover::fsck
