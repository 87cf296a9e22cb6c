#pragma once
#include "model/time.hpp"
#include "registry/session.hpp"

namespace drover {

/// Now, on the time line by which things rest and are kept: it begins as the wall clock has it when the registry is
/// made, and then goes on only as time has certainly passed, by the kernel's count since boot. So whatever the wall
/// clock is set to, nothing that rests is given out early and nothing that is kept vanishes early. What passes between
/// the last use of an old boot and the next start counts as nothing: it cannot be told from a clock that was set.
/// See docs/design/0008-clocks.md. Writes a note; for transactions that write.
Time certain_time(Transaction& transaction);
/// The same without the note: for transactions that only read.
Time peek_certain_time(Transaction& transaction);

}  // namespace drover
