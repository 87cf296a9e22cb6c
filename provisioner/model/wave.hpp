#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/guest.hpp"
#include "model/wave_class.hpp"
#include "model/wave_limit.hpp"
#include "model/wave_policy.hpp"

namespace drover {

/// What a host has and how it fares. Readings that nobody has are left out.
struct HostLoad {
    int cores = 1;
    std::optional<double> memory_some, memory_full, io_some, io_full;  ///< percent of the last 10 s, /proc/pressure
    std::optional<long long> free_memory, free_disk;                   ///< bytes
};

/// When a guest is expected to begin and to be where it should be; no times: something holds it that time alone
/// does not end.
struct Planned {
    GuestId id = 0;
    std::string name;
    std::optional<Instant> begin, end;
};

/// How one class of work fares: for people and for metrics.
struct WaveSight {
    WaveClass wave = WaveClass::start;
    std::size_t under_way = 0, waiting = 0;
    double limit = 0;     ///< that the adaptive rule has found for its host; shared by all but stops and refills
    std::string held_by;  ///< what the first in line waits for; empty: nobody waits
};

/// The wave (of one class) of an operation that was stopped by its `stop_on`. What had not begun is to be put back to
/// what it was: these, who were in line, and those of the operation who had not come yet.
struct StoppedWave {
    OperationId operation = 0;
    std::string reason;
    std::vector<GuestId> put_back;
};

/// Those of an operation that go first, to see how they fare.
struct Canaries {
    std::set<GuestId> pending;         ///< not where they should be yet: only they get slots
    Duration settle{0};                ///< nobody else gets one for so long after the last of them got there
    std::optional<Instant> open_from;  ///< when that is over; known once none is pending
    bool operator==(const Canaries&) const = default;
};

/// What an operation says of its own wave.
struct OperationRule {
    std::optional<WavePolicy> policy;  ///< none: that of the class
    bool paused = false;               ///< none of its guests gets a slot; those that have one go on
    std::optional<Canaries> canaries{};
    bool operator==(const OperationRule&) const = default;
};

/// The admission rule for steps that load the host. Pure and deterministic: no I/O, no clock (every call says what time
/// it is), no lock (one thread at a time); a copy is a wave of its own. What it knows of guests under way can be handed
/// in anew after a kill (take_over).
///
/// A guest that finds no slot waits in line and is called by name when it may go: stops, starts, upgrades, refills each
/// in a line of their own, first tries before retries, then in natural order of names. An upgrade waits while a start
/// waits, a refill while either does, unless that one only waits for another host, and while a guest is adopted, for
/// somebody waits for that: a second each time at most. Nobody overtakes: when the first in
/// line is held, so is everybody behind it whom the same holds. An operation with a rule of its own has lines of its
/// own: it holds nobody else's guests of its class.
class Wave {
  public:
    /// `seed` is for the jitter.
    explicit Wave(const WavePolicies& policies, std::uint64_t seed = 0);

    /// Whether `step` of `guest` may be done now: it needs no slot, or has one (being called, it begins). Else it waits
    /// in line from now on; admit() names it. A guest whose operation was stopped does not even wait.
    bool enter(const Guest& guest, Step step, Instant now);
    /// Who may go now, in this order: call them. They have their slots.
    std::vector<GuestId> admit(Instant now);
    /// When to admit again though nothing happened meanwhile; after `now`.
    [[nodiscard]] std::optional<Instant> wake(Instant now) const;

    /// The row as it is now: where it should be, its slot is free and it waits no longer; failed once more, too.
    /// `cpu_seconds`: what it used since it began, where known.
    void note(const Guest& guest, Instant now, std::optional<double> cpu_seconds = std::nullopt);
    /// Its slot is free. Not begun: as withdraw.
    void leave(GuestId id, Ending ending, Instant now, std::optional<double> cpu_seconds = std::nullopt);
    /// It wants nothing any more: out of line; a slot that it did not use was never given.
    void withdraw(GuestId id);
    /// It was called and had its turn: a slot that it did not begin to use was never given.
    void decline(GuestId id);
    /// It is under way since `since`, says its row: counted without asking.
    void take_over(const Guest& guest, Instant since);
    /// How a host fares. A host that was never seen has one core.
    void see(const std::string& host, const HostLoad& load, Instant now);

    /// How the guests of this operation go from now on, in the place of their class's policy.
    void rule(OperationId operation, const OperationRule& rule);
    /// Operations of which something is remembered.
    [[nodiscard]] std::vector<OperationId> operations() const;
    /// Waves that were stopped since the last call.
    std::vector<StoppedWave> take_stopped();
    /// The operation is over: nothing of it is remembered.
    void forget(OperationId operation);

    /// What a guest in line waits for, for people; empty when it does not wait.
    [[nodiscard]] std::string waits_for(GuestId id, Instant now) const;
    /// Everybody under way or in line, in the order in which they begin: this very rule on a clock of its own, with
    /// what is known of their costs, as if no brake held and all went well.
    [[nodiscard]] std::vector<Planned> plan(Instant now) const;

    /// Each class, in their order.
    [[nodiscard]] std::vector<WaveSight> sight(Instant now) const;
    [[nodiscard]] std::size_t waiting() const { return tickets_.size() - taken(); }
    /// Whether it uses a slot: what it costs is counted until it is where it should be.
    [[nodiscard]] bool has_slot(GuestId id) const;
    /// Whether the CPU seconds that this guest used would tell something new about its image and kind.
    [[nodiscard]] bool wants_cpu_of(GuestId id) const;
    /// Since when it uses its slot; nothing when it has none.
    [[nodiscard]] std::optional<Instant> begun(GuestId id) const;
    /// Slots in use or given.
    [[nodiscard]] std::size_t taken() const;
    [[nodiscard]] std::size_t taken(WaveClass wave) const { return taken_.at(static_cast<std::size_t>(wave)); }

  private:
    enum class State { waiting, called, begun };
    enum class Hold { none, paused, interval, in_flight, per_host, adaptive, pressure, floor, adoption };

    struct Ticket {
        GuestId id = 0;
        std::string name, host, work;
        WaveClass wave = WaveClass::start;
        std::optional<OperationId> operation;
        OperationId ruled = 0;  ///< by the rule of this operation; 0: by its class's policy
        int attempts = 0;
        State state = State::waiting;
        Instant given, begun;      ///< its slot; of a called one, when it may begin
        double share = 0;          ///< of the cores, as estimated when it got its slot
        std::uint64_t turn = 0;    ///< counts slots given
        std::uint64_t number = 0;  ///< of its host's limit
    };

    /// Where a ticket stands in its line.
    struct Place {
        bool retry = false;
        std::string name;
        GuestId id = 0;
        bool operator<(const Place& other) const;
    };
    using Line = std::set<Place>;
    /// Whose rule holds a line, 0: the class's, and its host.
    using LineKey = std::pair<OperationId, std::string>;
    using Lines = std::map<LineKey, Line>;

    /// How fast those under one rule go.
    struct Pace {
        std::multiset<Instant> log;  ///< when the last `size` were given slots
        std::size_t taken = 0;
    };

    struct Host {
        HostLoad load;
        std::array<std::size_t, all_wave_classes.size()> taken{};
        AdaptiveLimit stops, others, refills;  ///< a refill takes what nobody wants: it holds nobody else
        std::optional<Instant> idle_since;     ///< nothing that brakes hold is under way
        std::set<GuestId> adopting;            ///< they need no slot
        Instant gives_way_since;               ///< refills, while there are such
        bool braked = false;
        bool seen = false;
        AdaptiveLimit& limit(WaveClass wave) {
            if (wave == WaveClass::refill) return refills;
            return wave == WaveClass::stop ? stops : others;
        }
        [[nodiscard]] const AdaptiveLimit& limit(WaveClass wave) const {
            return const_cast<Host*>(this)->limit(wave);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
        }
        [[nodiscard]] bool idles() const { return taken[1] + taken[2] + taken[3] == 0; }
    };

    /// How the first of an operation fare, where a policy stops on their failures.
    struct Operation {
        std::set<GuestId> undecided;
        int done = 0, failed = 0;
        std::set<GuestId> aside;  ///< wait for them
        std::string stopped;      ///< why
        [[nodiscard]] int started() const { return static_cast<int>(undecided.size()) + done + failed; }
    };

    /// Who may not go in what is left of this admission: since a class before theirs waits, or in this one.
    struct Closed {
        bool everywhere = false;
        std::set<std::string> hosts;
        std::set<LineKey> lines;
    };

    void admit_from(WaveClass wave, Closed& closed, Instant now);
    const Ticket* first_of(WaveClass wave, const Closed& closed) const;
    void close(const Ticket& ticket, Hold hold, Closed& now, Closed& later) const;
    [[nodiscard]] const WavePolicy& policy_of(const Ticket& ticket) const;
    [[nodiscard]] const OperationRule* rule_of(OperationId operation) const;
    Pace& pace_of(const Ticket& ticket) { return paces_[{ticket.wave, ticket.ruled}]; }
    [[nodiscard]] const Pace* find_pace(const Ticket& ticket) const;
    [[nodiscard]] bool is_spent(const Ticket& ticket, Instant now) const;
    [[nodiscard]] std::size_t taken_by_rule(const Ticket& ticket) const;
    static Place place_of(const Ticket& ticket);
    Line& line_of(const Ticket& ticket);
    Hold hold_of(const Ticket& ticket, Instant now) const;
    [[nodiscard]] static bool gives_way(const Host& host, Instant now);
    static Hold brake_of(const Brakes& brakes, const Host& host, Instant now);
    void give(Ticket& ticket, Instant now);
    void take(Ticket& ticket);
    void release(const Ticket& ticket, Instant now);
    void learn(const Ticket& ticket, Ending ending, Instant now, std::optional<double> cpu_seconds);
    void line_up(const Ticket& ticket);
    void drop(const Ticket& ticket);
    [[nodiscard]] Duration jitter_of(const Ticket& ticket) const;
    [[nodiscard]] Ticket ticket_of(const Guest& guest, WaveClass wave) const;

    Operation* find_operation(const Ticket& ticket);
    const Operation* find_operation(const Ticket& ticket) const;
    void note_first(const Ticket& ticket, int first);
    [[nodiscard]] bool waits_for_first(const Ticket& ticket) const;
    [[nodiscard]] bool waits_for_canaries(const Ticket& ticket, Instant now) const;
    void note_canary(const Ticket& ticket, Ending ending, Instant now);
    void open_due(Instant now);
    [[nodiscard]] bool is_put_back(const Ticket& ticket) const;
    void count_ending(const Ticket& ticket, Ending ending);
    void stop(const Ticket& last, const std::string& reason);
    void open(Operation& operation);

    [[nodiscard]] std::string describe(Hold hold, const Ticket& ticket, Instant now) const;
    [[nodiscard]] std::string describe_brake(const Ticket& ticket) const;
    [[nodiscard]] std::vector<const Ticket*> tickets_by_name() const;
    [[nodiscard]] double expected_of(const Ticket& ticket) const;

    WavePolicies policies_;
    std::uint64_t seed_;
    std::unordered_map<GuestId, Ticket> tickets_;
    std::array<Lines, all_wave_classes.size()> lines_;
    std::map<std::pair<WaveClass, OperationId>, Pace> paces_;
    std::map<OperationId, OperationRule> rules_;
    std::array<std::size_t, all_wave_classes.size()> taken_{};
    std::map<std::pair<Instant, std::uint64_t>, GuestId>
        due_;                  ///< have a slot and are to be called then, in this order
    std::uint64_t given_ = 0;  ///< slots, ever
    std::map<std::string, Host> hosts_;
    std::map<std::string, Cost> costs_;
    std::map<std::pair<OperationId, WaveClass>, Operation> operations_;
    std::vector<StoppedWave> stopped_;
    bool planning_ = false;  ///< what happens is made up: nothing is learnt from it
};

}  // namespace drover
