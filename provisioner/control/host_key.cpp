#include "control/host_key.hpp"

#include <sodium.h>

#include <array>
#include <vector>

#include "model/error.hpp"

namespace drover::control {
namespace {

std::string base64(const unsigned char* bytes, std::size_t size) {
    std::vector<char> text(sodium_base64_ENCODED_LEN(size, sodium_base64_VARIANT_ORIGINAL));
    sodium_bin2base64(text.data(), text.size(), bytes, size, sodium_base64_VARIANT_ORIGINAL);
    return text.data();
}

/// RFC 4251, section 5: a string is its length in four bytes, big-endian, and its bytes.
void append_string(std::vector<unsigned char>& out, const unsigned char* bytes, std::size_t size) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<unsigned char>(size >> shift));
    out.insert(out.end(), bytes, bytes + size);
}

std::string ssh_line(const unsigned char* key) {
    constexpr std::string_view type = "ssh-ed25519";
    std::vector<unsigned char> blob;
    append_string(blob, reinterpret_cast<const unsigned char*>(type.data()), type.size());
    append_string(blob, key, crypto_sign_PUBLICKEYBYTES);
    return std::string(type) + " " + base64(blob.data(), blob.size());
}

}  // namespace

HostKey make_host_key() {
    std::array<unsigned char, crypto_sign_SEEDBYTES> seed{};
    std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> public_key{};
    std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret_key{};
    randombytes_buf(seed.data(), seed.size());
    crypto_sign_seed_keypair(public_key.data(), secret_key.data(), seed.data());
    HostKey key{base64(seed.data(), seed.size()), ssh_line(public_key.data())};
    sodium_memzero(seed.data(), seed.size());
    sodium_memzero(secret_key.data(), secret_key.size());
    return key;
}

std::string public_line(const std::string& key) {
    std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> bytes{};
    std::size_t size = 0;
    if (sodium_base642bin(bytes.data(), bytes.size(), key.data(), key.size(), nullptr, &size, nullptr,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        size != bytes.size()) {
        throw Error(ErrorKind::usage, "'" + key + "' is no ed25519 public key");
    }
    return ssh_line(bytes.data());
}

}  // namespace drover::control
