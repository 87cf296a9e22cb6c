#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string_view>

#include "guest/init.hpp"
#include "guest/serve.hpp"

/// drover-guest: the first program of a vm when it is process 1, else (`drover-guest serve`) the guest's end of the
/// control channel.
int main(int argc, char** argv) {
    if (getpid() == 1) drover::guest::run_init();
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
