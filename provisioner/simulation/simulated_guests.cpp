#include "simulation/simulated_guests.hpp"

#include <fmt/format.h>

#include "model/error.hpp"

namespace drover {

SimulatedGuests::SimulatedGuests(std::unique_ptr<Domains> hypervisor, std::string folder)
    : hypervisor_(std::move(hypervisor)), voices_(std::move(folder), [this](GuestId id) { power_off(id); }) {}

/// As a guest does that was told STOP. A hypervisor that is away cannot be told; then the guest did not hear, either.
void SimulatedGuests::power_off(GuestId id) {
    try {
        if (voices_.told_to_stop(id)) hypervisor_->press_power_button(id);
        voices_.halt(id);
    } catch (const Error&) {
        return;  // the next rung of the ladder takes it from here
    }
}

void SimulatedGuests::define(const DomainSpec& spec) { hypervisor_->define(spec); }

void SimulatedGuests::start(GuestId id) {
    const bool boots = hypervisor_->look(id).run == Run::off;
    hypervisor_->start(id);
    if (!boots) return;
    voices_.boot(id);
    voices_.mute(id, false);
}

void SimulatedGuests::suspend(GuestId id) {
    hypervisor_->suspend(id);
    voices_.mute(id, true);
}

void SimulatedGuests::resume(GuestId id) {
    hypervisor_->resume(id);
    voices_.mute(id, false);
}

void SimulatedGuests::press_power_button(GuestId id) {
    hypervisor_->press_power_button(id);
    voices_.halt(id);
}

void SimulatedGuests::force_off(GuestId id) {
    if (id > 0) hypervisor_->force_off(id);
    voices_.halt(id);
}

void SimulatedGuests::undefine(GuestId id) {
    hypervisor_->undefine(id);
    voices_.forget(id);
}

void SimulatedGuests::rename(const DomainSpec& spec, bool live) { hypervisor_->rename(spec, live); }

void SimulatedGuests::set_background(GuestId id, bool background) { hypervisor_->set_background(id, background); }

std::vector<DomainSeen> SimulatedGuests::list() { return hypervisor_->list(); }

DomainSeen SimulatedGuests::look(GuestId id) { return hypervisor_->look(id); }

std::optional<double> SimulatedGuests::cpu_seconds(GuestId id) { return hypervisor_->cpu_seconds(id); }

UniqueFd SimulatedGuests::open_channel(GuestId id) {
    if (id > 0 && hypervisor_->look(id).run == Run::off)
        throw Error(ErrorKind::not_found, fmt::format("guest {} is not running", id));
    voices_.go_on(id);
    return voices_.connect(id);
}

void SimulatedGuests::watch(std::function<void(GuestId)> changed) { hypervisor_->watch(std::move(changed)); }

std::map<std::string, std::string> SimulatedGuests::needs(const DomainSpec& spec) {
    return {{"layout", fmt::format("simulated {}", spec.cpus)}};
}

void SimulatedGuests::boot_template(const DomainSpec& spec, const std::string& /*memory*/) { voices_.fork(spec.id); }

void SimulatedGuests::freeze(const std::string& /*state*/) { voices_.halt(template_id); }

void SimulatedGuests::fork(const DomainSpec& spec, const TemplateFiles& /*files*/) {
    const bool begins = spec.id <= 0 || hypervisor_->look(spec.id).run == Run::off;
    if (spec.id > 0) hypervisor_->start(spec.id);
    if (!begins) return;
    voices_.fork(spec.id);
    voices_.mute(spec.id, false);
}

bool SimulatedGuests::probe_kvm(const std::string& /*kernel*/, const std::string& /*initrd*/) { return false; }

}  // namespace drover
