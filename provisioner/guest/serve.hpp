#pragma once

namespace drover::guest {

/// The guest's end of the control channel: started, and started again, by the guest's init; runs until it is killed.
/// Error{failed} when the guest has no channel or its settings are wrong.
[[noreturn]] void serve();

}  // namespace drover::guest
