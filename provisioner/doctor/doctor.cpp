#include "doctor/doctor.hpp"

#include <utility>

#include "doctor/checks.hpp"
#include "doctor/look.hpp"

namespace drover {

Doctor::Doctor(Config config) : Doctor(std::move(config), Tools{}) {}

Doctor::Doctor(Config config, Tools tools) : config_(std::move(config)), tools_(std::move(tools)) {}

Diagnoses Doctor::run() const { return doctor::check_all(doctor::look(config_, tools_)); }

}  // namespace drover
