#include "cli/run.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>

#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace drover::cli {
namespace {

constexpr auto default_socket = "/run/drover/drover.sock";

/// The command line as a person typed it, taken apart.
class CommandLine {
  public:
    CommandLine() : app_("Asks droverd for virtual guests and looks after them.", "drover") {
        app_.add_option("--socket", socket_, "The daemon's socket")
            ->envname("DROVER_SOCKET")
            ->type_name("PATH")
            ->capture_default_str();
        app_.add_flag("--json", json_, "Answer for programs")->disable_flag_override();
        app_.set_version_flag("--version", "drover " DROVER_VERSION);
        app_.require_subcommand(0, 1);
        app_.get_formatter()->label("SUBCOMMAND", "VERB");
        app_.footer("drover VERB --help tells more about a verb.");
        for (auto* add :
             {add_request, add_list,       add_show,  add_mass,  add_attach, add_logs,     add_shadows, add_top,
              add_events,  add_operations, add_owner, add_image, add_host,   add_settings, add_copies,  add_openings,
              add_service, add_passwd,     add_pool,  add_net,   add_health, add_import,   add_fsck,    add_doctor}) {
            add(app_, chosen_);
        }
    }

    /// What is to be done. Help and version count as done by printing.
    Action read(std::vector<std::string> arguments) {
        try {
            std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
            app_.parse(std::move(arguments));
            if (!chosen_) throw Error(ErrorKind::usage, "no verb given", fmt::format("drover {}--help", verb()));
            return chosen_;
        } catch (const CLI::CallForHelp&) {
            return print(app_.help());
        } catch (const CLI::CallForVersion& version) {
            return print(std::string(version.what()) + "\n");
        } catch (const CLI::ParseError& error) {
            throw Error(ErrorKind::usage, error.what(), fmt::format("drover {}--help", verb()));
        }
    }

    [[nodiscard]] const std::string& socket() const { return socket_; }

  private:
    static Action print(const std::string& text) {
        return [text](Context& context) {
            context.console.out << text;
            return 0;
        };
    }

    [[nodiscard]] std::string verb() const {
        const auto chosen = app_.get_subcommands();
        return chosen.empty() ? "" : chosen.front()->get_name() + " ";
    }

    CLI::App app_;
    std::string socket_ = default_socket;
    bool json_ = false;
    Action chosen_;
};

/// Also of a command line that is wrong otherwise: its error is JSON too.
bool asks_for_json(const std::vector<std::string>& arguments) {
    const auto end = std::find(arguments.begin(), arguments.end(), "--");
    return std::any_of(arguments.begin(), end,
                       [](const auto& text) { return text == "--json" || text.starts_with("--json="); });
}

int report(Console& console, const Error& error, bool json) {
    if (json) {
        console.err << wire::dump(wire::encode(error)) << '\n';
    } else {
        console.err << "drover: " << printable(error.what()) << '\n';
        if (!error.hint().empty()) console.err << "  " << printable(error.hint()) << '\n';
    }
    return form_of(error.kind()).exit_code;
}

int act(const std::vector<std::string>& arguments, Console& console, bool json) {
    CommandLine line;
    const auto action = line.read(arguments);
    Context context{console, line.socket(), json};
    const int code = action(context);
    if (!console.out.flush()) throw Error(ErrorKind::failed, "cannot write to standard output");
    return code;
}

}  // namespace

int run(const std::vector<std::string>& arguments, Console& console) {
    const bool json = asks_for_json(arguments);
    try {
        return act(arguments, console, json);
    } catch (const Error& error) {
        return report(console, error, json);
    } catch (const std::exception& error) {
        return report(console, Error(ErrorKind::failed, fmt::format("unforeseen: {}", error.what())), json);
    }
}

}  // namespace drover::cli
