#pragma once
#include <string>

namespace drover::guest {

/// The first program of a vm (/init of its initramfs): mounts the shared root and the guest's overlay, lays the guest's
/// own paths over the root and starts the root's /sbin/init in its place. Anything that goes wrong is said in one line
/// on the console, and the vm powers off: there is no shell to fall into, and the host sees it end.
[[noreturn]] void run_init();

/// One line on the console, for whoever looks for the reason.
void say(const std::string& text);
/// Becomes the root's /sbin/init. Error{failed} when it cannot.
[[noreturn]] void start_root_init();

}  // namespace drover::guest
