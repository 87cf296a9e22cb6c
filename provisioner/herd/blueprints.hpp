#pragma once
#include "herd/parts.hpp"

namespace drover {

/// What the domains of guests are made of. Any thread.
class Blueprints {
  public:
    explicit Blueprints(const Parts& parts) : parts_(parts) {}

    /// The guest's domain as that make of it. Errors of Roots::version(), Overlays::place().
    [[nodiscard]] DomainSpec of(const Guest& guest, const Make& make) const;
    /// A vm's without its overlay and what backs it.
    [[nodiscard]] DomainSpec frame(const Guest& guest, const Make& make) const;
    /// What tells whose the domain is and what it was started as.
    [[nodiscard]] DomainSpec tag(const Guest& guest, const Make& make) const;
    /// Which user of the host a container's root is.
    [[nodiscard]] unsigned first_uid(const Guest& guest) const;

  private:
    [[nodiscard]] std::string parameters(const Guest& guest, const Make& make) const;
    void add_version(DomainSpec& spec, const Guest& guest, const Version& version) const;
    void add_disk(DomainSpec& spec) const;
    void add_container(DomainSpec& spec, const Guest& guest) const;

    const Parts& parts_;
};

}  // namespace drover
