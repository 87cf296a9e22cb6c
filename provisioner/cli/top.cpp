#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <ostream>

#include "cli/client.hpp"
#include "cli/frame.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"

namespace drover::cli {
namespace {

constexpr const char* begin_screen = "\x1b[?1049h\x1b[?25l";
constexpr const char* end_screen = "\x1b[?25h\x1b[?1049l";

struct Options {
    std::string interval = "2s";
    bool once = false;
};

wire::Json overview(Context& context) { return Client(context.socket).get("/v1/overview"); }

/// As many letters as fit; a letter is not cut.
std::string cut(const std::string& line, std::size_t columns) {
    std::size_t letters = 0, end = 0;
    for (; end < line.size(); ++end) {
        const bool begins = (static_cast<unsigned char>(line[end]) & 0xc0U) != 0x80;
        if (begins && letters++ == columns) break;
    }
    return line.substr(0, end);
}

/// Over the last one, so that nothing flickers.
void draw(const std::vector<std::string>& lines) {
    const Size size = size_of_terminal(STDOUT_FILENO);
    const auto rows = std::min(lines.size(), static_cast<std::size_t>(size.rows));
    std::string text = "\x1b[H";
    for (std::size_t row = 0; row < rows; ++row) {
        const bool is_heading = !lines[row].empty() && lines[row].front() != ' ';
        const auto line = cut(lines[row], static_cast<std::size_t>(size.columns));
        text += (is_heading ? "\x1b[1m" + line + "\x1b[0m" : line) + "\x1b[K" + (row + 1 < rows ? "\r\n" : "");
    }
    write_all(STDOUT_FILENO, text + "\x1b[J");
}

/// What the daemon says, or that it says nothing: it may come back.
std::vector<std::string> look(Context& context) {
    const auto time = to_rfc3339(now());
    try {
        return frame_of(overview(context), time);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::unavailable) throw;
        return {"drover top  " + time, "", std::string("  ") + error.what()};
    }
}

/// Whether to go on: nobody pressed q or Ctrl-C, and no signal ended it, before it is time for the next look.
bool wait_for_next(const SignalFile& signals, Duration interval) {
    std::array<pollfd, 2> files{pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{signals.fd(), POLLIN, 0}};
    ::poll(files.data(), files.size(), static_cast<int>(interval.count()));
    for (int number = signals.next(); number != 0; number = signals.next())
        if (number != SIGWINCH) throw Error(ErrorKind::interrupted, "interrupted");
    if (files[0].revents == 0) return true;
    std::array<char, 64> keys{};
    const auto size = ::read(STDIN_FILENO, keys.data(), keys.size());
    if (size <= 0) return false;
    const std::string_view pressed(keys.data(), static_cast<std::size_t>(size));
    return pressed.find_first_of("qQ\x03") == std::string_view::npos;
}

void watch(Context& context, Duration interval) {
    auto lines = look(context);  // who may not look is told so on an ordinary screen
    const RawTerminal terminal(STDIN_FILENO, STDOUT_FILENO, end_screen);
    const SignalFile signals;
    write_all(STDOUT_FILENO, begin_screen);
    draw(lines);
    while (wait_for_next(signals, interval)) draw(look(context));
}

int top(Context& context, const Options& options) {
    constexpr Duration least = std::chrono::milliseconds(100), most = std::chrono::hours(1);
    const auto interval = parse_duration(options.interval);
    if (interval < least || interval > most)
        throw Error(ErrorKind::usage, fmt::format("--interval '{}', expected 100ms to 1h", options.interval));
    const bool is_terminal = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
    if (context.json) {
        print_json(context.console, overview(context));
    } else if (options.once || !is_terminal) {
        for (const auto& line : frame_of(overview(context), to_rfc3339(now()))) context.console.out << line << '\n';
    } else {
        watch(context, interval);
    }
    return 0;
}

}  // namespace

void add_top(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    auto* verb = add_verb(app, "top", "Watch the herd: guests, waves and what holds them, pools, operations, events",
                          "  drover top\n"
                          "  drover top --once");
    verb->add_flag("--once", options->once, "Print what there is now, and end; so without a terminal, too");
    add_text(*verb, "--interval", options->interval, "DURATION", "Look so often")->capture_default_str();
    on_chosen(verb, chosen, options, top);
}

}  // namespace drover::cli
