#pragma once
#include <sys/resource.h>

namespace drover {

/// How much of the processor this thread gets while others want it too: 0 as everybody, less is more. In Linux a nice
/// value belongs to a thread (setpriority(2), "C library/kernel differences"). Who may not have a better one keeps his.
inline void be_nice(int nice) { static_cast<void>(::setpriority(PRIO_PROCESS, 0, nice)); }

}  // namespace drover
