#pragma once
#include <array>
#include <string_view>

#include "model/meter.hpp"
#include "model/step.hpp"

namespace drover {

/// What the herd counts since this process started. Any thread.
struct HerdMeters {
    static constexpr std::array started_by{"cold", "fork", "adopt"};

    struct OfStep {
        Spans done;    ///< how long those took that did what they were to do
        Count failed;  ///< those that cost an attempt
    };
    std::array<OfStep, 12> steps;                ///< by Step
    std::array<Spans, started_by.size()> ready;  ///< from the step that set out to ready, by started_by
    Count faults;                                ///< guests that were given up
    Count corrections;                           ///< what was seen was not what the row said

    OfStep& of(Step step) { return steps.at(static_cast<std::size_t>(step)); }
    void arrived(std::string_view by, Spans::Clock::duration took) {
        for (std::size_t i = 0; i < started_by.size(); ++i)
            if (started_by.at(i) == by) ready.at(i).note(took);
    }
};

}  // namespace drover
