#include "simulation/fake_world.hpp"

#include <string>

#include "hypervisor/ownership.hpp"

namespace drover {
namespace {

using nlohmann::json;

json to_json(const std::optional<DomainSpec>& spec) {
    if (!spec) return nullptr;
    const Ownership ownership{spec->instance, spec->registry};
    const Make& make = spec->make;
    return {{"instance", spec->instance},
            {"registry", spec->registry},
            {"id", spec->id},
            {"domain", ownership.domain_name(spec->id)},
            {"uuid", ownership.domain_uuid(spec->id)},
            {"name", spec->name},
            {"mac", spec->mac},
            {"overlay", spec->overlay},
            {"root", spec->root},
            {"make", {make.version, make.overlay, make.boot}}};
}

std::optional<DomainSpec> spec_of(const json& file) {
    if (file.is_null()) return std::nullopt;
    DomainSpec spec;
    spec.instance = file.at("instance");
    spec.registry = file.at("registry");
    spec.id = file.at("id");
    spec.name = file.at("name");
    spec.mac = file.at("mac");
    spec.overlay = file.at("overlay");
    spec.root = file.at("root");
    const json& make = file.at("make");
    spec.make = {make.at(0), make.at(1), make.at(2)};
    return spec;
}

}  // namespace

json to_json(const FakeDomain& domain) {
    return {{"defined", to_json(domain.defined)},
            {"live", to_json(domain.live)},
            {"paused", domain.paused},
            {"powered_off_itself", domain.powered_off_itself}};
}

FakeDomain fake_domain_of(const json& file) {
    FakeDomain domain;
    domain.defined = spec_of(file.at("defined"));
    domain.live = spec_of(file.at("live"));
    domain.paused = file.at("paused");
    domain.powered_off_itself = file.at("powered_off_itself");
    return domain;
}

DomainSeen seen(GuestId id, const FakeDomain& domain) {
    DomainSeen result;
    result.id = id;
    const auto& spec = domain.live ? *domain.live : *domain.defined;
    result.defined = domain.defined.has_value();
    result.run = domain.run();
    result.powered_off_itself = domain.run() == Run::off && domain.powered_off_itself;
    result.live = spec.make;
    result.name = spec.name;
    return result;
}

}  // namespace drover
