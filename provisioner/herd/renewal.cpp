#include "herd/renewal.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <array>

#include "control/fields.hpp"
#include "model/time.hpp"

namespace drover {
namespace {

std::string random_bytes(std::size_t size) {
    std::string bytes(size, '\0');
    randombytes_buf(bytes.data(), bytes.size());
    return bytes;
}

std::string random_id() {
    std::string id;
    for (const char byte : random_bytes(16)) id += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return id;
}

}  // namespace

control::Renew new_renewal(std::uint32_t n, const std::string& mac) {
    return {.n = n,
            .seed = control::to_base64(random_bytes(control::renewal_seed_bytes)),
            .boot_id = random_id(),
            .mac = mac,
            .time = now().time_since_epoch().count()};
}

Duration fork_patience(const Config& config) { return config.ready_timeout / 4; }

}  // namespace drover
