#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "herd/herd.hpp"
#include "model/shadow.hpp"
#include "model/sync.hpp"
#include "registry/registry.hpp"
#include "storage/overlays.hpp"
#include "storage/roots.hpp"

namespace drover {

/// A guest, and between which versions of its image it is looked at.
struct ShadowCase {
    Guest guest;
    std::string from, to;   ///< digests; an empty or equal one: there is nothing to hide
    std::string unknown{};  ///< why this cannot be told at all; empty: ask
};

/// What of a guest's own hides what differs between two versions.
struct ShadowReport {
    GuestId guest = 0;
    std::string name, from, to;
    std::size_t asked = 0;        ///< paths that differ where the guest may have something of its own
    std::size_t left_out = 0;     ///< and so many more that were not asked for
    std::vector<Shadow> shadows;  ///< what can be executed first
    std::string unknown;          ///< why it is not known; empty: it is
    Questions::Paths paths;       ///< what was asked; none: nothing was

    /// "/etc/motd (edited), /etc/issue (deleted) and 4 more": made by its user alone; empty: none.
    [[nodiscard]] std::string summary() const;
};

/// Compares roots, asks guests, and applies the policy of an upgrade. Any thread.
class Shadows {
  public:
    Shadows(Registry& registry, Roots& roots, Overlays& overlays, Herd& herd)
        : registry_(registry), roots_(roots), overlays_(overlays), herd_(herd) {}

    /// Asks all guests at once, in a few seconds at most; in the order of the cases. Nothing: others are asking as many
    /// questions as may be asked at a time, try again.
    std::optional<std::vector<ShadowReport>> look(const std::vector<ShadowCase>& cases);

    /// Why these guests are not upgraded, by what they said; and has the others do what the policy wants.
    std::map<GuestId, std::string> apply(ShadowPolicy policy, const std::vector<ShadowReport>& reports);

    /// Has the log tell what an upgrade will not show.
    void tell(OperationId operation, const std::vector<ShadowReport>& reports);

  private:
    /// What differs between two roots where guests of a profile have things of their own.
    struct Comparison {
        Questions::Paths changes;
        std::size_t left_out = 0;
    };
    using Key = std::tuple<std::string, std::string, std::string>;  ///< two roots and a profile
    std::shared_ptr<const Comparison> compare(const ShadowCase& one);
    ShadowReport prepare(const ShadowCase& one);
    void ask(std::vector<ShadowReport>& reports);

    Registry& registry_;
    Roots& roots_;
    Overlays& overlays_;
    Herd& herd_;
    Synchronized<std::map<Key, std::shared_ptr<const Comparison>>> known_;
    std::atomic<int> asking_ = 0;
};

}  // namespace drover
