#include "guest/keys.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "control/fields.hpp"

namespace drover::guest {
namespace {

using control::from_base64;
using control::to_base64;

constexpr std::string_view type = "ssh-ed25519";
constexpr std::size_t public_bytes = crypto_sign_PUBLICKEYBYTES;
constexpr std::string_view pem_begin = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
constexpr std::string_view pem_end = "-----END OPENSSH PRIVATE KEY-----\n";
constexpr std::size_t pem_columns = 70;

/// RFC 4251: a number is four bytes, the highest first; a string is its length and its bytes.
std::string ssh_number(std::uint32_t n) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(n >> shift & 255);
    return text;
}
std::string ssh_string(std::string_view bytes) {
    return ssh_number(static_cast<std::uint32_t>(bytes.size())) + std::string(bytes);
}

/// Seed and public key, 64 bytes: what both formats call the private key.
std::string secret_of(std::string_view seed) {
    std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> open{};
    std::string secret(crypto_sign_SECRETKEYBYTES, '\0');
    crypto_sign_seed_keypair(open.data(), reinterpret_cast<unsigned char*>(secret.data()),
                             reinterpret_cast<const unsigned char*>(seed.data()));
    return secret;
}

std::string dropbear_head() { return ssh_string(type) + ssh_number(crypto_sign_SECRETKEYBYTES); }

std::optional<std::string> public_in_dropbear(std::string_view content) {
    const auto head = dropbear_head();
    if (content.size() != head.size() + crypto_sign_SECRETKEYBYTES || !content.starts_with(head)) return std::nullopt;
    return std::string(content.substr(content.size() - public_bytes));
}

/// openssh-key-v1 up to the public key: no cipher, no passphrase, one key.
std::string openssh_head() {
    const auto blob_head = ssh_string(type) + ssh_number(public_bytes);
    return std::string("openssh-key-v1\0", 15) + ssh_string("none") + ssh_string("none") + ssh_string("") +
           ssh_number(1) + ssh_number(static_cast<std::uint32_t>(blob_head.size() + public_bytes)) + blob_head;
}

std::string openssh_blob(const std::string& secret) {
    const auto open = secret.substr(secret.size() - public_bytes);
    // Two equal numbers tell a right passphrase from a wrong one; nothing is encrypted here, so any will do.
    auto inner =
        ssh_number(0) + ssh_number(0) + ssh_string(type) + ssh_string(open) + ssh_string(secret) + ssh_string("");
    for (char padding = 1; inner.size() % 8 != 0; ++padding) inner += padding;
    return openssh_head() + open + ssh_string(inner);
}

std::string pem(const std::string& blob) {
    const auto text = to_base64(blob);
    std::string lines(pem_begin);
    for (std::size_t at = 0; at < text.size(); at += pem_columns) lines += text.substr(at, pem_columns) + "\n";
    return lines + std::string(pem_end);
}

std::optional<std::string> public_in_openssh(std::string_view content) {
    if (!content.starts_with(pem_begin) || !content.ends_with(pem_end)) return std::nullopt;
    content.remove_prefix(pem_begin.size());
    content.remove_suffix(pem_end.size());
    std::string text(content);
    std::erase(text, '\n');
    const auto equals = static_cast<std::size_t>(std::count(text.begin(), text.end(), '='));
    const auto bytes = text.size() / 4 * 3, padding = std::min<std::size_t>(equals, 2);
    if (bytes < padding) return std::nullopt;
    const auto blob = from_base64(text, bytes - padding);
    const auto head = openssh_head();
    if (!blob || !blob->starts_with(head) || blob->size() < head.size() + public_bytes) return std::nullopt;
    return blob->substr(head.size(), public_bytes);
}

}  // namespace

std::string private_key_file(KeyFormat format, std::string_view seed) {
    const auto secret = secret_of(seed);
    return format == KeyFormat::dropbear ? dropbear_head() + secret : pem(openssh_blob(secret));
}

std::optional<std::string> public_key_in(KeyFormat format, std::string_view content) {
    return format == KeyFormat::dropbear ? public_in_dropbear(content) : public_in_openssh(content);
}

}  // namespace drover::guest
