#include "model/wave_class.hpp"

namespace drover {
namespace {

bool should_run(const Guest& guest) {
    return !guest.fault && (guest.desired == Desired::ready || guest.desired == Desired::parked);
}

/// Of a guest that is stopped only to be started again.
WaveClass class_of_return(const Guest& guest) {
    return guest.have.version != guest.want.version ? WaveClass::upgrade : WaveClass::start;
}

bool is_where_it_should_be(const Guest& guest) {
    if (guest.phase == Phase::parked || guest.phase == Phase::gone) return true;
    if (should_run(guest)) return guest.phase == Phase::ready && !guest.stale();
    return guest.phase == Phase::stopped || guest.phase == Phase::reserved;
}

}  // namespace

std::optional<WaveClass> class_of(const Guest& guest, Step step) {
    if (step == Step::start) return guest.owner ? WaveClass::start : WaveClass::refill;
    if (step != Step::stop || guest.phase == Phase::stopping) return std::nullopt;
    return should_run(guest) ? class_of_return(guest) : WaveClass::stop;
}

std::optional<WaveClass> class_in_flight(const Guest& guest) {
    if (guest.phase == Phase::stopping) return should_run(guest) ? class_of_return(guest) : WaveClass::stop;
    if (guest.phase != Phase::starting) return std::nullopt;
    if (!guest.owner) return WaveClass::refill;
    return !guest.good.empty() && guest.good != guest.have.version ? WaveClass::upgrade : WaveClass::start;
}

std::optional<Ending> ending_of(const Guest& guest, int attempts) {
    if (guest.fault || guest.attempts > attempts) return Ending::failed;
    if (is_where_it_should_be(guest)) return Ending::done;
    return std::nullopt;
}

}  // namespace drover
