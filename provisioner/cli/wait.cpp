#include "cli/wait.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <ostream>

#include "cli/output.hpp"

namespace drover::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto patience = std::chrono::seconds(30);         // with a daemon that is away
constexpr auto between_outlooks = std::chrono::seconds(2);  // each costs the daemon a plan
constexpr auto between_tries = std::chrono::milliseconds(250);

/// A bar that is drawn over itself, and wiped at the end.
class Progress {
  public:
    Progress(Console& console, bool shown) : console_(console), shown_(shown) {}
    ~Progress() { draw(""); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void show(const Operation& operation) {
        if (operation.total == 0) return draw(fmt::format("{} {}", operation_name(operation.id), operation.outcome));
        constexpr long long cells = 24;
        const auto full = static_cast<std::size_t>(std::min(cells, cells * operation.done / operation.total));
        draw(fmt::format("{} [{}{}] {}/{}{}{}", operation_name(operation.id), std::string(full, '#'),
                         std::string(cells - full, '.'), operation.done, operation.total, moving(operation),
                         pace(operation)));
    }
    /// What is to be expected, from time to time: said beside the bar from now on.
    void expect(const Operation& operation, const wire::Outlook& outlook) {
        const auto ends = outlook.ends_in ? std::optional(Clock::now() + *outlook.ends_in) : std::nullopt;
        if (!told_ && ends && !operation.finished) {
            draw("");
            if (shown_) console_.err << fmt::format("{}: about {} to go\n", operation_name(operation.id), left(*ends));
            told_ = true;
        }
        ends_ = ends;
        waits_for_ = outlook.waits_for;
    }
    void away() { draw("the daemon is away, waiting for it"); }
    [[nodiscard]] bool shown() const { return shown_; }

  private:
    static std::string left(Clock::time_point end) {
        const auto time = std::max(Clock::duration::zero(), end - Clock::now());
        return to_text(std::chrono::ceil<std::chrono::seconds>(time));
    }
    /// ", 12 starting, 3 stopping"
    static std::string moving(const Operation& operation) {
        std::string text;
        for (const Phase phase : {Phase::starting, Phase::stopping}) {
            const auto count = std::count_if(operation.items.begin(), operation.items.end(),
                                             [&](const Item& item) { return item.phase == phase; });
            if (count > 0) text += fmt::format(", {} {}", count, to_text(phase));
        }
        return text;
    }
    [[nodiscard]] std::string pace(const Operation& operation) const {
        const auto passed = std::chrono::duration<double>(Clock::now() - begun_).count();
        std::string text = operation.paused ? ", paused" : "";
        if (operation.done > 0) text += fmt::format(", {:.1f}/s", static_cast<double>(operation.done) / passed);
        if (ends_ && !operation.paused) text += ", about " + left(*ends_) + " to go";
        if (!waits_for_.empty()) text += ", waits for " + printable(waits_for_);
        return text;
    }
    void draw(const std::string& line) {
        if (shown_) console_.err << "\r\x1b[K" << line << std::flush;
    }

    Console& console_;
    bool shown_;
    bool told_ = false;
    Clock::time_point begun_ = Clock::now();
    std::optional<Clock::time_point> ends_;
    std::string waits_for_;
};

Error goes_on(ErrorKind kind, OperationId id, const std::string& what) {
    return {kind, fmt::format("{}: {}; the work goes on", operation_name(id), what),
            "drover operations " + operation_name(id)};
}

/// One long look after another until the operation has ended.
class Waiting {
  public:
    Waiting(Client& client, Progress& progress, OperationId id, Duration timeout)
        : client_(client), progress_(progress), id_(id), timeout_(timeout) {}

    Operation to_the_end() {
        for (;;) {
            const auto operation = look();
            if (operation && operation->finished) return *operation;
            if (timeout_ != Duration{0} && Clock::now() - begun_ >= timeout_) {
                throw goes_on(ErrorKind::timed_out, id_, fmt::format("not done after {}", to_text(timeout_)));
            }
            if (!operation) client_.pause(between_tries);
        }
    }

  private:
    /// Nothing while the daemon is away.
    std::optional<Operation> look() {
        try {
            const auto wait = time_left();
            const bool outlook = progress_.shown() && Clock::now() >= outlook_due_;
            const auto answer = client_.get(target(wait, outlook), wait);
            auto operation = wire::decode_operation(answer);
            if (outlook) expect(operation, wire::decode_outlook(answer));
            seen_ = Clock::now();
            enough_ = operation.done + operation.total / 100;
            total_ = operation.total;
            progress_.show(operation);
            return operation;
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::unavailable) throw;
            if (Clock::now() - seen_ > patience) throw goes_on(ErrorKind::timed_out, id_, error.what());
            progress_.away();
            return std::nullopt;
        }
    }

    /// Whoever sees no progress needs no answer before the end; the others get one a percent.
    [[nodiscard]] std::string target(std::chrono::seconds wait, bool outlook) const {
        const auto done = progress_.shown() ? enough_ : total_;
        const auto path = "/v1/operations/" + operation_name(id_);
        if (outlook) return path + "?outlook=true";
        return fmt::format("{}?done={}&wait={}", path, done, wait.count());
    }

    void expect(const Operation& operation, const wire::Outlook& outlook) {
        progress_.expect(operation, outlook);
        outlook_due_ = Clock::now() + between_outlooks;
    }

    [[nodiscard]] std::chrono::seconds time_left() const {
        const auto longest = std::chrono::seconds(wire::max_wait_seconds);
        if (timeout_ == Duration{0}) return longest;
        const auto left = std::chrono::ceil<std::chrono::seconds>(timeout_ - (Clock::now() - begun_));
        return std::clamp(left, std::chrono::seconds(1), longest);
    }

    Client& client_;
    Progress& progress_;
    OperationId id_;
    Duration timeout_;
    Clock::time_point begun_ = Clock::now();
    Clock::time_point seen_ = Clock::now();
    Clock::time_point outlook_due_ = Clock::now();
    long long enough_ = 0, total_ = 0;
};

}  // namespace

void add_wait_options(CLI::App& verb, WaitOptions& options) {
    verb.add_flag("--no-wait", options.no_wait, "Do not wait: print the operation and leave");
    add_text(verb, "--timeout", options.timeout, "DURATION", "How long to wait: 90s, 5m, 8h; 0: for ever")
        ->capture_default_str();
}

Duration timeout_of(const WaitOptions& options) {
    try {
        return parse_duration(options.timeout);
    } catch (const Error& error) {
        throw error.within("--timeout");
    }
}

Operation follow(Context& context, Client& client, OperationId id, Duration timeout) {
    Progress progress(context.console, context.console.progress && !context.json);
    try {
        return Waiting(client, progress, id, timeout).to_the_end();
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::interrupted) throw;
        throw goes_on(ErrorKind::interrupted, id, "no longer waiting");
    }
}

}  // namespace drover::cli
