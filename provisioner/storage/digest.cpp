#include "storage/digest.hpp"

#include <fcntl.h>
#include <sodium.h>

#include <array>
#include <cerrno>
#include <vector>

#include "model/unique_fd.hpp"
#include "storage/durable.hpp"

namespace drover {

struct Digest::State {
    crypto_hash_sha256_state hash;
};

Digest::Digest() : state_(std::make_unique<State>()) {
    if (sodium_init() < 0) throw Error(ErrorKind::failed, "libsodium does not start");
    crypto_hash_sha256_init(&state_->hash);
}

Digest::~Digest() = default;

Digest& Digest::add(std::string_view bytes) {
    crypto_hash_sha256_update(&state_->hash, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    return *this;
}

Digest& Digest::add_file(const std::filesystem::path& path, const std::function<void()>& pause) {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file) throw_errno("read", path);
    std::vector<char> piece(1 << 18);
    while (true) {
        if (pause) pause();
        const auto n = ::read(file.get(), piece.data(), piece.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw_errno("read", path);
        if (n == 0) return *this;
        add({piece.data(), static_cast<std::size_t>(n)});
    }
}

std::string Digest::hex() {
    std::array<unsigned char, crypto_hash_sha256_BYTES> bytes;
    std::array<char, 2 * crypto_hash_sha256_BYTES + 1> text;
    crypto_hash_sha256_final(&state_->hash, bytes.data());
    return sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
}

std::string digest_of_file(const std::filesystem::path& path) { return Digest().add_file(path).hex(); }

}  // namespace drover
