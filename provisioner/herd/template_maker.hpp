#pragma once
#include <functional>
#include <map>
#include <string>

#include "herd/blueprints.hpp"
#include "storage/templates.hpp"

namespace drover {

/// A template that somebody wants: what it is of, and all that it depends on.
struct WantedTemplate {
    std::string key;
    std::string image, version, profile, fork_point;
    std::map<std::string, std::string> needs;
    DomainSpec frame;  ///< of a guest of it, without a disk and with the template's name
};

/// Makes templates: boots a guest to its fork point, freezes it, and tries a fork. One thread.
class TemplateMaker {
  public:
    /// `pause` is called a few times a second; what it throws ends the making.
    TemplateMaker(const Parts& parts, TemplateStore& store, std::function<void()> pause);

    /// What a guest like this could be forked from; `make` is what it starts as. Errors of Roots::version() and
    /// Forks::needs().
    [[nodiscard]] WantedTemplate wanted(const Guest& guest, const Make& make) const;
    /// Makes it, tries it, and puts it in its place. Error{failed} with what happened, DiskFull; then nothing of it is
    /// left.
    [[nodiscard]] Template make(const WantedTemplate& wanted) const;
    /// Ends what an earlier process of ours, or a making that failed, left running.
    void end_all() const;

  private:
    void boot_and_freeze(const WantedTemplate& wanted, Template& draft) const;
    void try_out(const WantedTemplate& wanted, const Template& draft) const;

    const Parts& parts_;
    Blueprints blueprints_;
    TemplateStore& store_;
    std::function<void()> pause_;
};

}  // namespace drover
