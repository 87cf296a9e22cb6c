#pragma once
#include <string_view>

namespace drover {

/// Whether `hash` is sha512-crypt as crypt(3) writes it, "$6$SALT$HASH" with the rounds that are usual: what both
/// busybox and glibc verify.
bool is_password_hash(std::string_view hash);

}  // namespace drover
