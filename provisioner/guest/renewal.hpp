#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "control/codec.hpp"

/// Making a fork different from its template and from its siblings. docs/design/0018-fork.md says what cannot be. One
/// thread. Error{failed} naming what did not work.
namespace drover::guest {

/// Random numbers, clock and MAC: what both fork points renew, first of all. `seed` in `renew` is credited in full.
void renew_kernel(const control::Renew& renew);

/// Sets the clock; ms since 1970. False: it is not this guest's to set.
bool put_clock(std::int64_t time);

/// 32 hex digits as the kernel writes an id: "01234567-89ab-...", with a newline.
std::string uuid_form(std::string_view digits);

/// In a template: deletes what a DHCP client or a random number generator kept. `root` is "/" but in tests.
void forget_template(const std::filesystem::path& root);

}  // namespace drover::guest
