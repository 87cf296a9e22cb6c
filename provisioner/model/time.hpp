#pragma once
#include <chrono>
#include <string>
#include <string_view>

namespace drover {

/// Wall-clock time in milliseconds since 1970, UTC: what the registry stores. Deadlines use std::chrono::steady_clock.
using Time = std::chrono::sys_time<std::chrono::milliseconds>;
using Duration = std::chrono::milliseconds;

/// The current wall-clock time.
Time now();

/// RFC 3339 in UTC with whole seconds: "2026-11-21T08:30:00Z".
std::string to_rfc3339(Time time);

/// A duration as written in configs and flags: a whole number and one unit of ms s m h d ("90s", "5m", "8h"); "0" is
/// zero. Error{usage} naming the text otherwise, also when it is negative or longer than 100 years.
Duration parse_duration(std::string_view text);

/// The shortest text that parse_duration reads back: 90000 ms -> "90s".
std::string to_text(Duration duration);

/// A size as written in configs: a whole number and one unit of KiB MiB GiB TiB, or plain bytes. Error{usage} naming
/// the text otherwise, also on overflow. Returns bytes.
long long parse_size(std::string_view text);

}  // namespace drover
