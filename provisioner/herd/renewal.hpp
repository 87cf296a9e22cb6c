#pragma once
#include "config/config.hpp"
#include "control/codec.hpp"

namespace drover {

/// What makes a fork another guest than its template: fresh randomness, a boot id, its MAC, the time. Any thread.
control::Renew new_renewal(std::uint32_t n, const std::string& mac);

/// How long a fork may take to its first word, which costs it nothing: a part of what a start may take.
Duration fork_patience(const Config& config);

}  // namespace drover
