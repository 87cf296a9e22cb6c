#pragma once
#include <initializer_list>
#include <span>
#include <string_view>

#include "model/step.hpp"

/// The tables of model/step.hpp as data: the engine walks them, the docs print them, the tests explore them.
namespace drover {

/// A condition on what is seen. estranged: for longer than a start may take it has said that it does
/// not run under its identity.
enum class Sight { always, powered_off_itself, said_hello, estranged };

/// A condition for a step.
enum class Guard {
    always,
    copy_owed,
    unbuilt,    ///< the overlay had is not the one wanted
    stale,      ///< have differs from want, or a copy is owed
    agreed,     ///< READY with the registry's identity
    answering,  ///< it says HELLO or READY and does not owe an answer
    outdated,   ///< it runs under another identity than the registry's
    overdue,    ///< its phase's timeout has passed
    first_rung,
    second_rung,
    last_rung,
};

/// A set of phases, small enough to be a constant.
class PhaseSet {
  public:
    constexpr PhaseSet(std::initializer_list<Phase> phases) {
        for (Phase phase : phases) bits_ |= 1U << static_cast<unsigned>(phase);
    }
    [[nodiscard]] constexpr bool contains(Phase phase) const {
        return ((bits_ >> static_cast<unsigned>(phase)) & 1U) != 0;
    }

  private:
    unsigned bits_ = 0;
};

struct CorrectionRow {
    Run run;
    PhaseSet phases;
    Sight sight;
    Correction correction;
};

struct Rule {
    Guard guard;
    Step step;
};

/// In order; the first row that fits counts.
extern const std::span<const CorrectionRow> corrections;

/// The rules of one cell, in order; the first that holds counts.
std::span<const Rule> cell_of(Phase phase, Desired desired);

std::string_view to_text(Sight sight);
std::string_view to_text(Guard guard);

}  // namespace drover
