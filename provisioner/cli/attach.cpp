// drover console: the verb's file would have the name of what a verb reads and writes (console.hpp).
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <ostream>

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"

namespace drover::cli {
namespace {

constexpr char leave_key = 0x1d;  // Ctrl-]
constexpr std::size_t most_unsent = 64UL * 1024;
/// What a guest may have switched: colours, a hidden cursor, the mouse, marks around pasted text.
constexpr const char* farewell = "\x1b[0m\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l";

struct Options {
    std::string name, linger = "2s";
    bool force = false;
};

enum class End { left, closed, interrupted };

/// Passes bytes between standard input and output and the console, until one of them ends.
class Talk {
  public:
    Talk(int console, std::string received, bool is_terminal, Duration linger)
        : console_(console), received_(std::move(received)), is_terminal_(is_terminal), linger_(linger) {}

    End run() {
        if (!received_.empty() && !write_all(STDOUT_FILENO, received_)) return End::left;
        for (;;)
            if (const auto end = turn()) return *end;
    }

  private:
    std::optional<End> turn() {
        const bool listens = !input_ended_ && (is_terminal_ || unsent_.size() < most_unsent);
        const auto console_events = static_cast<short>(unsent_.empty() ? POLLIN : POLLIN | POLLOUT);
        std::array<pollfd, 3> files{pollfd{listens ? STDIN_FILENO : -1, POLLIN, 0}, pollfd{console_, console_events, 0},
                                    pollfd{signals_.fd(), POLLIN, 0}};
        const bool waits_for_silence = input_ended_ && unsent_.empty();
        const int found =
            ::poll(files.data(), files.size(), waits_for_silence ? static_cast<int>(linger_.count()) : -1);
        if (found == 0) return End::left;
        if (found < 0 && errno != EINTR) return End::closed;
        if (files[2].revents != 0)
            for (int number = signals_.next(); number != 0; number = signals_.next())
                if (number != SIGWINCH) return End::interrupted;
        if ((files[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
            if (const auto end = hear()) return end;
        if ((files[1].revents & POLLOUT) != 0) send();
        if (files[0].revents != 0) return read_input();
        return std::nullopt;
    }

    std::optional<End> hear() {
        std::array<char, 16384> space{};
        const auto size = ::recv(console_, space.data(), space.size(), MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
        if (size <= 0) return End::closed;
        if (!write_all(STDOUT_FILENO, {space.data(), static_cast<std::size_t>(size)})) return End::left;
        return std::nullopt;
    }

    void send() {
        const auto size = ::send(console_, unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size > 0) unsent_.erase(0, static_cast<std::size_t>(size));
    }

    /// What a guest does not take is lost once that is too much; the key by which one leaves is always heard.
    std::optional<End> read_input() {
        std::array<char, 4096> space{};
        const auto size = ::read(STDIN_FILENO, space.data(), space.size());
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
        if (size <= 0) {
            input_ended_ = true;
            return is_terminal_ ? std::optional(End::left) : std::nullopt;
        }
        std::string_view said(space.data(), static_cast<std::size_t>(size));
        const auto key = is_terminal_ ? said.find(leave_key) : std::string_view::npos;
        if (unsent_.size() < most_unsent) unsent_ += said.substr(0, key);
        send();
        return key == std::string_view::npos ? std::nullopt : std::optional(End::left);
    }

    int console_;
    std::string received_;
    bool is_terminal_;
    Duration linger_;
    SignalFile signals_;
    std::string unsent_;
    bool input_ended_ = false;
};

std::string target_of(const Options& options) { return "/v1/guests/" + wire::escape(options.name) + "/console"; }

End talk(Context& context, const Options& options, Duration linger) {
    Upgraded console =
        Client(context.socket).upgrade(target_of(options), {{"force", options.force}}, wire::console_protocol);
    const bool is_terminal = ::isatty(STDIN_FILENO) != 0;
    if (is_terminal)
        context.console.err << fmt::format("at the console of {}; Ctrl-] leaves it\n", options.name) << std::flush;
    std::optional<RawTerminal> terminal;
    if (is_terminal) terminal.emplace(STDIN_FILENO, STDOUT_FILENO, farewell);
    return Talk(console.connection.get(), std::move(console.received), is_terminal, linger).run();
}

/// Why the daemon let go: it knows, if it is there.
int explain(Context& context, const Options& options) {
    const auto state = Client(context.socket).get(target_of(options));
    const auto& visitor = state.at("visitor");
    if (!visitor.is_null())
        throw Error(ErrorKind::failed,
                    fmt::format("{} took the console of {} over", field(visitor, "who"), options.name),
                    fmt::format("drover console {} --force takes it back", options.name));
    context.console.err << fmt::format("\nthe console of {} has closed\n", options.name);
    return 0;
}

int attach(Context& context, const Options& options) {
    const auto linger = parse_duration(options.linger);
    switch (talk(context, options, linger)) {
        case End::interrupted: throw Error(ErrorKind::interrupted, "interrupted");
        case End::closed: return explain(context, options);
        case End::left: break;
    }
    if (::isatty(STDIN_FILENO) != 0) context.console.err << fmt::format("\nleft the console of {}\n", options.name);
    return 0;
}

}  // namespace

void add_attach(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    auto* verb = add_verb(app, "console", "Sit at a guest's console, until Ctrl-]",
                          "  drover console alice-1\n"
                          "  echo uptime | drover console alice-1 --linger 5s");
    add_text(*verb, "NAME", options->name, "", "The guest")->required();
    verb->add_flag("--force", options->force, "Take the place of whoever sits there");
    add_text(*verb, "--linger", options->linger, "DURATION",
             "When the input is no terminal and has ended: leave after so long a silence")
        ->capture_default_str();
    on_chosen(verb, chosen, options, attach);
}

}  // namespace drover::cli
