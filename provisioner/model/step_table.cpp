#include "model/step_table.hpp"

#include <array>

namespace drover {
namespace {

using enum Phase;
using enum Step;

constexpr CorrectionRow correction_rows[] = {
    {Run::off,
     {ready},
     Sight::powered_off_itself,
     {.phase = stopped, .desired_stopped = true, .why = "powered itself off"}},
    {Run::off, {stopping}, Sight::always, {.phase = stopped, .why = "is off"}},
    {Run::off,
     {starting, parked, ready},
     Sight::always,
     {.phase = stopped, .failed = true, .why = "is off though nobody asked for it"}},
    {Run::running,
     {reserved, stopped},
     Sight::always,
     {.phase = starting, .take_over = true, .why = "runs though nobody started it"}},
    {Run::running, {parked}, Sight::always, {.phase = starting, .why = "was resumed"}},
    {Run::running, {ready}, Sight::said_hello, {.phase = starting, .why = "restarted itself"}},
    {Run::running, {ready}, Sight::estranged, {.phase = starting, .why = "does not take its identity"}},
    {Run::paused, {reserved, stopped, starting}, Sight::always, {.step = force, .why = "is paused half-made"}},
    {Run::paused, {ready, stopping}, Sight::always, {.step = resume, .why = "was paused"}},
};

constexpr Rule build_it[] = {{Guard::always, build}};
constexpr Rule retire_it[] = {{Guard::always, retire}};
constexpr Rule refresh[] = {{Guard::copy_owed, copy}, {Guard::unbuilt, build}};
constexpr Rule start_it[] = {{Guard::always, start}};
constexpr Rule refresh_and_start[] = {{Guard::copy_owed, copy}, {Guard::unbuilt, build}, {Guard::always, start}};
constexpr Rule stop_it[] = {{Guard::always, stop}};
constexpr Rule force_it[] = {{Guard::always, force}};
// It rehearses first, under nobody's identity: what it needs for one has run before somebody waits for it.
constexpr Rule park_it[] = {{Guard::agreed, park}, {Guard::overdue, force}, {Guard::answering, identify}};
constexpr Rule introduce[] = {{Guard::agreed, identify}, {Guard::overdue, force}, {Guard::answering, identify}};
constexpr Rule adopt_it[] = {{Guard::always, adopt}};
constexpr Rule keep_fresh[] = {{Guard::stale, stop}, {Guard::outdated, identify}};
constexpr Rule ladder[] = {{Guard::first_rung, stop}, {Guard::second_rung, press}, {Guard::last_rung, force}};

using Row = std::array<std::span<const Rule>, all_desired.size()>;

// The heart of Drover. Columns as in all_desired: stopped, parked, ready, gone.
constexpr std::array<Row, all_phases.size()> table{{
    /* reserved */ {build_it, build_it, build_it, retire_it},
    /* stopped  */ {refresh, start_it, refresh_and_start, retire_it},
    /* starting */ {stop_it, park_it, introduce, force_it},
    /* parked   */ {force_it, {}, adopt_it, force_it},
    /* ready    */ {stop_it, force_it, keep_fresh, stop_it},
    /* stopping */ {ladder, ladder, ladder, ladder},
    /* gone     */ {},
}};

}  // namespace

const std::span<const CorrectionRow> corrections = correction_rows;

std::span<const Rule> cell_of(Phase phase, Desired desired) {
    return table.at(static_cast<std::size_t>(phase)).at(static_cast<std::size_t>(desired));
}

}  // namespace drover
