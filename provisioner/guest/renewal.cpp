#include "guest/renewal.hpp"

#include <fcntl.h>
#include <linux/random.h>
#include <sodium.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "control/fields.hpp"
#include "guest/files.hpp"
#include "guest/network.hpp"
#include "model/unique_fd.hpp"

namespace fs = std::filesystem;

namespace drover::guest {
namespace {

constexpr auto all_bits = static_cast<int>(control::renewal_seed_bytes * 8);

/// Everything below holds a copy of what the template had of its own, if it had any.
constexpr std::array kept_by_the_template{"var/lib/dhcp", "var/lib/dhcpcd", "run/systemd/netif/leases",
                                          "var/lib/systemd/random-seed", "var/lib/urandom"};

/// The kernel's generator goes on from the seed at once, and throws away what it had prepared.
void renew_random_numbers(const control::Renew& renew) {
    struct {  // rand_pool_info, whose end is open
        int entropy_count, size;
        std::array<char, control::renewal_seed_bytes> bytes;
    } pool{all_bits, control::renewal_seed_bytes, {}};
    const auto seed = control::from_base64(renew.seed, pool.bytes.size()).value();
    std::memcpy(pool.bytes.data(), seed.data(), seed.size());
    const UniqueFd device(open("/dev/urandom", O_RDONLY | O_CLOEXEC));
    const bool done =
        device && ioctl(device.get(), RNDADDENTROPY, &pool) == 0 && ioctl(device.get(), RNDRESEEDCRNG) == 0;
    const int reason = errno;
    sodium_memzero(&pool, sizeof pool);
    errno = reason;
    if (!done) fail("cannot renew the kernel's random numbers");
}

}  // namespace

bool put_clock(std::int64_t time) {
    const timespec wanted{time / 1000, time % 1000 * 1'000'000};
    if (clock_settime(CLOCK_REALTIME, &wanted) == 0) return true;
    if (errno != EPERM) fail("cannot set the clock");
    return false;
}

void renew_kernel(const control::Renew& renew) {
    renew_random_numbers(renew);
    if (!put_clock(renew.time)) fail("cannot set the clock");
    put_mac(renew.mac);
}

std::string uuid_form(std::string_view digits) {
    std::string text(digits);
    for (const std::size_t at : {20, 16, 12, 8}) text.insert(at, "-");
    return text + "\n";
}

void forget_template(const fs::path& root) {
    for (const auto* kept : kept_by_the_template) {
        if (!is_folder(root / kept))
            fs::remove(root / kept);
        else
            for (const auto& entry : fs::directory_iterator(root / kept)) fs::remove_all(entry.path());
    }
}

}  // namespace drover::guest
