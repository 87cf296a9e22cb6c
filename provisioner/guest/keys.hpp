#pragma once
#include <optional>
#include <string>
#include <string_view>

/// Files of ed25519 ssh host keys. Pure; any thread.
namespace drover::guest {

/// Whose file it is: the image's ssh server reads one of them.
enum class KeyFormat { dropbear, openssh };

/// The content of the private key file for the key that grows from `seed` (32 bytes); the same for the same seed.
std::string private_key_file(KeyFormat format, std::string_view seed);

/// The public key (32 bytes) in such a file; nothing when it is no unencrypted ed25519 key in this format.
std::optional<std::string> public_key_in(KeyFormat format, std::string_view content);

}  // namespace drover::guest
