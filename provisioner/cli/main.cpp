#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "cli/run.hpp"

namespace {

bool colour_wanted() {
    const char* no_color = std::getenv("NO_COLOR");
    return ::isatty(STDOUT_FILENO) != 0 && (no_color == nullptr || *no_color == '\0');
}

}  // namespace

int main(int argc, char** argv) {
    std::ios::sync_with_stdio(false);
    drover::cli::Console console{
        std::cin, std::cout, std::cerr, ::isatty(STDIN_FILENO) != 0, ::isatty(STDERR_FILENO) != 0, colour_wanted()};
    return drover::cli::run({argv + 1, argv + argc}, console);
}
