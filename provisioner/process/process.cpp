#include "process/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "model/error.hpp"
#include "model/time.hpp"
#include "model/unique_fd.hpp"

// posix_spawn and poll rather than Boost.Process 1.74: glibc reports a failed exec at the call and reaps it, closes
// every descriptor above the standard ones in the child, and makes the process group before the program runs.
// Boost.Process needs a handler inside the forked child for each of these, a reaper for failed starts, and asio for the
// deadline.

namespace drover {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::array<std::string_view, 4> search_path{"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
constexpr std::size_t longest_line = 4096;

[[noreturn]] void fail(std::string_view doing, int error) {
    throw Error(ErrorKind::failed, fmt::format("{}: {}", doing, std::strerror(error)));
}

// ---- what the child gets -------------------------------------------------------------------------------------------

/// The same file under a number above the standard three, so that placing one in the child never covers another.
UniqueFd above_standard(UniqueFd fd) {
    if (!fd) fail("open a descriptor for a program", errno);
    if (fd.get() > STDERR_FILENO) return fd;
    UniqueFd moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!moved) fail("open a descriptor for a program", errno);
    return moved;
}

/// Standard input as a file that holds all of `input`: no pipe to feed, so nothing can block or be broken.
UniqueFd input_file(const std::string& input) {
    if (input.empty()) return above_standard(UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
    UniqueFd file = above_standard(UniqueFd(::memfd_create("input", MFD_CLOEXEC)));
    std::size_t done = 0;
    while (done < input.size()) {
        const auto n = ::write(file.get(), input.data() + done, input.size() - done);
        if (n < 0 && errno != EINTR) fail("keep a program's input in memory", errno);
        if (n > 0) done += static_cast<std::size_t>(n);
    }
    ::lseek(file.get(), 0, SEEK_SET);
    return file;
}

struct Pipe {
    UniqueFd ours, theirs;
};

Pipe output_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("make a pipe for a program", errno);
    UniqueFd ours(ends[0]);
    UniqueFd theirs(ends[1]);
    ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
    return {std::move(ours), above_standard(std::move(theirs))};
}

/// Its path; none when it is in none of the folders. A name with a slash is a path already.
std::optional<std::string> path_of(const std::string& name) {
    if (name.find('/') != std::string::npos) return name;
    for (const auto folder : search_path) {
        auto path = fmt::format("{}/{}", folder, name);
        if (!name.empty() && ::access(path.c_str(), X_OK) == 0) return path;
    }
    return std::nullopt;
}

std::string find_program(const std::string& name) {
    if (auto path = path_of(name)) return *path;
    throw Error(ErrorKind::failed, fmt::format("cannot run '{}': not in {}", name, fmt::join(search_path, ":")),
                fmt::format("install the package that has {}", name));
}

std::vector<char*> c_strings(const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (const auto& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));  // exec does not write them
    pointers.push_back(nullptr);
    return pointers;
}

/// The two objects of posix_spawn with their destructors.
struct SpawnSetup {
    posix_spawn_file_actions_t actions{};
    posix_spawnattr_t attributes{};

    SpawnSetup() {
        if (posix_spawn_file_actions_init(&actions) != 0 || posix_spawnattr_init(&attributes) != 0)
            fail("prepare a program", ENOMEM);
    }
    SpawnSetup(const SpawnSetup&) = delete;
    SpawnSetup& operator=(const SpawnSetup&) = delete;
    ~SpawnSetup() {
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
    }

    void place(const UniqueFd& fd, int number) { check(posix_spawn_file_actions_adddup2(&actions, fd.get(), number)); }
    void close_the_rest() { check(posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1)); }
    void enter(const std::string& folder) { check(posix_spawn_file_actions_addchdir_np(&actions, folder.c_str())); }
    /// Its own process group, and signals as a fresh program expects them, whatever we block or ignore.
    void isolate() {
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        check(posix_spawnattr_setpgroup(&attributes, 0));
        check(posix_spawnattr_setsigmask(&attributes, &none));
        check(posix_spawnattr_setsigdefault(&attributes, &all));
        check(posix_spawnattr_setflags(&attributes,
                                       POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    }
    static void check(int error) {
        if (error != 0) fail("prepare a program", error);
    }
};

pid_t spawn(const Command& command, const UniqueFd& input, const UniqueFd& output, const UniqueFd& errors) {
    const auto program = find_program(command.argv.empty() ? "" : command.argv.front());
    SpawnSetup setup;
    setup.place(input, STDIN_FILENO);
    setup.place(output, STDOUT_FILENO);
    setup.place(errors, STDERR_FILENO);
    setup.close_the_rest();
    setup.enter(command.folder);
    setup.isolate();
    auto argv = c_strings(command.argv);
    auto environment = c_strings(command.environment);
    pid_t pid = -1;
    const int error =
        posix_spawn(&pid, program.c_str(), &setup.actions, &setup.attributes, argv.data(), environment.data());
    if (error != 0) fail(fmt::format("cannot run '{}' in '{}'", program, command.folder), error);
    return pid;
}

// ---- the running child ---------------------------------------------------------------------------------------------

/// By its number: the declaration in glibc 2.36's <sys/pidfd.h> does not link from C++.
int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

/// A child and its process group; neither outlives this object, however it is left.
class Child {
  public:
    explicit Child(pid_t pid) : pid_(pid), exit_(open_pidfd(pid)) {
        const int error = errno;
        if (exit_) return;
        end();
        fail("watch a program", error);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() { end(); }

    /// Readable when the child has ended.
    [[nodiscard]] int exit_fd() const { return exit_.get(); }

    /// Kills what still runs of the group, and reaps the child: its exit status or 128 + signal.
    int end() {
        if (pid_ < 0) return status_;
        ::kill(-pid_, SIGKILL);  // before it is reaped: until then its number is nobody else's
        int raw = 0;
        while (::waitpid(pid_, &raw, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
        status_ = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
        return status_;
    }

  private:
    pid_t pid_;
    UniqueFd exit_;
    int status_ = 0;
};

/// Collects one output stream: the last `limit` bytes, and its lines as they come.
class Collector {
  public:
    Collector(UniqueFd fd, std::size_t limit, std::function<void(const std::string&)> line)
        : fd_(std::move(fd)), limit_(limit), line_(std::move(line)) {}

    [[nodiscard]] int fd() const { return fd_.get(); }  ///< -1 at its end, which poll() skips

    /// Takes what is there now, at most `most` bytes.
    void take(std::size_t most) {
        std::array<char, 16384> buffer;
        while (fd_ && most > 0) {
            const auto n = ::read(fd_.get(), buffer.data(), std::min(buffer.size(), most));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && errno == EAGAIN) return;
            if (n <= 0) {
                fd_ = UniqueFd();
                return;
            }
            keep({buffer.data(), static_cast<std::size_t>(n)});
            most -= static_cast<std::size_t>(n);
        }
    }

    /// What was kept; a last line without a newline is told first.
    std::string finish() {
        if (!pending_.empty()) tell_line();
        trim(limit_);
        return std::move(kept_);
    }

  private:
    void keep(std::string_view bytes) {
        kept_ += bytes;
        if (kept_.size() / 2 > limit_) trim(limit_);
        if (!line_) return;
        for (const char c : bytes) {
            if (c != '\n') pending_ += c;
            if (c == '\n' || pending_.size() == longest_line) tell_line();
        }
    }

    void tell_line() { line_(std::exchange(pending_, {})); }

    void trim(std::size_t size) {
        if (kept_.size() > size) kept_.erase(0, kept_.size() - size);
    }

    UniqueFd fd_;
    std::size_t limit_;
    std::function<void(const std::string&)> line_;
    std::string kept_, pending_;
};

int milliseconds_until(Clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    return static_cast<int>(std::clamp<long long>(left, 0, 3'600'000));
}

/// Collects until the child ends or the deadline comes: false then.
bool wait_for_end(const Child& child, Collector& output, Collector& errors, Clock::time_point deadline, int ending) {
    while (true) {
        std::array<pollfd, 4> polled{pollfd{child.exit_fd(), POLLIN, 0}, pollfd{output.fd(), POLLIN, 0},
                                     pollfd{errors.fd(), POLLIN, 0}, pollfd{ending, POLLIN, 0}};
        if (::poll(polled.data(), polled.size(), milliseconds_until(deadline)) < 0 && errno != EINTR)
            fail("wait for a program", errno);
        constexpr std::size_t pipe_size = 65536;  // bounds one turn, and holds all that an ended child left behind
        const bool ended = polled[0].revents != 0;
        if (ended || polled[1].revents != 0) output.take(pipe_size);
        if (ended || polled[2].revents != 0) errors.take(pipe_size);
        if (ended) return true;
        if (polled[3].revents != 0 || Clock::now() >= deadline) return false;
    }
}

}  // namespace

bool is_installed(const std::string& program) {
    const auto path = path_of(program);
    return path && ::access(path->c_str(), X_OK) == 0;
}

Outcome run(const Command& command) {
    const auto deadline = Clock::now() + command.deadline;
    const UniqueFd input = input_file(command.input);
    Pipe output = output_pipe();
    Pipe errors = output_pipe();
    Child child(spawn(command, input, output.theirs, errors.theirs));
    output.theirs = UniqueFd();
    errors.theirs = UniqueFd();

    Collector out(std::move(output.ours), command.output_limit, command.output_line);
    Collector err(std::move(errors.ours), command.output_limit, command.line);
    Outcome outcome;
    outcome.timed_out = !wait_for_end(child, out, err, deadline, command.ending);
    outcome.status = child.end();
    outcome.output = out.finish();
    outcome.errors = err.finish();
    return outcome;
}

std::string last_line(std::string_view text) {
    text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    return std::string(text.substr(text.find_last_of('\n') + 1));
}

std::string run_or_throw(const Command& command) {
    auto outcome = run(command);
    if (outcome.ok()) return std::move(outcome.output);
    const auto program = command.argv.front();
    if (outcome.timed_out)
        throw Error(ErrorKind::failed, fmt::format("{} did not end within {}", program, to_text(command.deadline)));
    auto reason = last_line(outcome.errors);
    if (reason.empty()) reason = last_line(outcome.output);
    throw Error(ErrorKind::failed, fmt::format("{} ended with status {}{}{}", program, outcome.status,
                                               reason.empty() ? "" : ": ", reason));
}

}  // namespace drover
