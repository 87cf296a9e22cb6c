#pragma once
#include <map>
#include <string>

#include "hypervisor/domains.hpp"

namespace drover {

/// The files of a template: a booted guest's memory, and the state of its devices.
struct TemplateFiles {
    std::string memory;  ///< as large as the guest's memory; readable and writable for the user that QEMU runs as
    std::string state;   ///< opened here and handed over: readable for this process alone
};

/// The seam to starting guests from the memory of a booted one. A template's own domain, and the guest that tries a
/// fresh template, are domains without a definition, of the ids `template_id` and `trial_id`: Domains opens their
/// channels and forces them off, and lists neither. They end with the connection of the process that started them.
///
/// Errors, threads and deadlines as for Domains.
class Forks {
  public:
    virtual ~Forks() = default;

    /// What a frozen guest of `spec` fits to, by name: the hypervisor's release and program, the machine, the
    /// processor, the layout of its devices. Where one of them differs its memory is of no use. Does not read the
    /// spec's files. Under a millisecond but for the first time on a connection.
    virtual std::map<std::string, std::string> needs(const DomainSpec& spec) = 0;
    /// Boots the template, `spec.id` is template_id, on the memory file, which is there and as large as its memory.
    /// Error{failed} when it runs already. About 0.3 s.
    virtual void boot_template(const DomainSpec& spec, const std::string& memory) = 0;
    /// Stops the template, writes the state of its devices into `state`, a file that is there, and ends it: nothing
    /// writes to its memory file or its overlay any more. Nothing is synced. Up to 20 s.
    virtual void freeze(const std::string& state) = 0;
    /// Starts the domain of `spec` from the template's memory and state and lets it run; one that is active is left as
    /// it is. Its definition, if it has one, stays as it is: its next start is a cold one. When it fails, nothing runs.
    /// About 0.3 s, at most 20 s.
    virtual void fork(const DomainSpec& spec, const TemplateFiles& files) = 0;
};

}  // namespace drover
