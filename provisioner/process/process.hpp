#pragma once
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace drover {

/// An external program as a value. No shell is ever involved; the environment is exactly what is given.
struct Command {
    std::vector<std::string> argv;  ///< argv[0]: a path, or looked up in /usr/sbin:/usr/bin:/sbin:/bin
    std::vector<std::string> environment{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                         "LC_ALL=C.UTF-8"};
    std::string folder = "/";
    std::string input{};                         ///< all of its standard input
    std::chrono::milliseconds deadline{60'000};  ///< then its whole process group is killed
    std::size_t output_limit = 1 << 20;          ///< bytes kept of output and of errors, the last ones
    /// Called for each line of standard error as it comes, cut at 4096 bytes; may be empty. If it throws, the program
    /// is killed and run() throws the same.
    std::function<void(const std::string&)> line{};
    std::function<void(const std::string&)> output_line{};  ///< the same for standard output
    int ending = -1;  ///< a descriptor, -1: none. When it can be read from, the deadline has come
};

struct Outcome {
    int status = 0;          ///< exit status, or 128 + signal
    bool timed_out = false;  ///< its deadline came
    std::string output, errors;

    [[nodiscard]] bool ok() const { return status == 0 && !timed_out; }
};

/// Whether a program is found as argv[0] of a Command would be.
bool is_installed(const std::string& program);

/// Runs it to its end: that of the program itself; what it left running in its process group is killed then.
/// Thread-safe. No descriptor of ours reaches the child but the three standard ones, and no zombie stays. Error{failed}
/// when it cannot be started at all.
Outcome run(const Command& command);

/// The last line that is not blank, without what is blank at its end.
std::string last_line(std::string_view text);

/// run(), and Error{failed} naming the program, its status and its last line of errors unless it ended well.
std::string run_or_throw(const Command& command);

}  // namespace drover
