#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string_view>

#include "guest/container.hpp"
#include "guest/init.hpp"
#include "guest/passwords.hpp"
#include "guest/serve.hpp"

namespace {

int forget(const char* user) try {
    drover::guest::forget_password("/", user);
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "drover-guest: %s\n", error.what());  // NOLINT(cert-err33-c): nobody is left to tell
    return 1;
}

}  // namespace

/// drover-guest: the first program of a vm when it is process 1, of a container when it is also told so (`drover-guest
/// container [PROFILE]`), else (`drover-guest serve`) the guest's end of the control channel.
/// `drover-guest forget-password USER` is called by the image's login: that password was used.
int main(int argc, char** argv) {
    const bool is_container = argc > 1 && std::string_view(argv[1]) == "container";
    if (getpid() == 1 && is_container) drover::guest::run_container(argc > 2 ? argv[2] : "");
    if (getpid() == 1) drover::guest::run_init();
    if (argc == 3 && std::string_view(argv[1]) == "forget-password") return forget(argv[2]);
    if (argc != 2 || std::string_view(argv[1]) != "serve") {
        std::fputs("usage: drover-guest serve\n", stderr);  // NOLINT(cert-err33-c): nobody is left to tell
        return 2;
    }
    try {
        drover::guest::serve();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "drover-guest: %s\n", error.what());  // NOLINT(cert-err33-c): the same
        return 1;
    }
}
