#pragma once
#include <string>

namespace drover::control {

/// A fresh ed25519 ssh host key.
struct HostKey {
    std::string seed;         ///< base64 of the 32 secret bytes: told to the guest, kept by nobody else
    std::string public_line;  ///< "ssh-ed25519 AAAA..."
};

/// From the system's randomness. Any thread.
HostKey make_host_key();

/// "ssh-ed25519 AAAA..." of a public key as HELLO names it: base64 of 32 bytes (RFC 8709). Error{usage} otherwise.
std::string public_line(const std::string& key);

}  // namespace drover::control
