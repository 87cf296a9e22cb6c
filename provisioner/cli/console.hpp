#pragma once
#include <functional>
#include <iosfwd>
#include <string>

namespace drover::cli {

/// Where a verb reads and writes, and what kind of reader is there.
struct Console {
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
    bool interactive = false;  ///< `in` is a terminal: questions can be asked
    bool progress = false;     ///< `err` is a terminal: a line may be drawn over
    bool colour = false;       ///< `out` is a terminal and NO_COLOR is not set
};

/// What every verb needs to know beside its own options.
struct Context {
    Console& console;
    std::string socket;
    bool json = false;
};

/// A verb with its options, ready to run. Returns the exit code; throws Error.
using Action = std::function<int(Context&)>;

}  // namespace drover::cli
