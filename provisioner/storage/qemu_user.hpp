#pragma once
#include <sys/types.h>

#include <string_view>
#include <utility>

namespace drover {

/// The account that QEMU runs as, from "+64055:+107". Error{usage} naming what is none.
std::pair<uid_t, gid_t> parse_qemu_user(std::string_view user);

}  // namespace drover
