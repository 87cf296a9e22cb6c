#pragma once
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "model/error.hpp"
#include "model/guest.hpp"
#include "model/step.hpp"
#include "model/wave.hpp"
#include "simulation/virtual_host.hpp"

namespace drover {

/// What is tried: guests on hosts, and how their work and their luck are drawn.
struct Scenario {
    std::string name;
    HostModel host;  ///< every host is one
    int hosts = 1;
    int guests = 500;
    Work start{.disk = 0.2, .cpu = 1, .wait = 0.5, .memory = 96, .remaining = 64};
    Work stop{.cpu = 0.1, .wait = 0.5};
    double spread = 0.3;  ///< sigma of the lognormal factor by which the work of guests differs
    double crash = 0;     ///< part of the starts that end before HELLO
    double hang = 0;      ///< part of the starts that never say anything
    std::uint64_t seed = 1;
    Duration ready_timeout = std::chrono::minutes(5);
    Duration stop_timeout = std::chrono::seconds(30);
    int attempts = 3;
};

/// Five hosts that are short of different things: the standard by which policies are compared.
const std::vector<Scenario>& standard_scenarios();

/// One slot that was used.
struct SlotUse {
    GuestId id = 0;
    WaveClass wave = WaveClass::start;
    Instant begin, end;
};

/// What came of it. Instants count from the beginning.
struct Course {
    std::vector<SlotUse> uses;                               ///< in the order of their beginning
    std::vector<Instant> ready;                              ///< when guests became ready, in order
    std::vector<std::pair<Instant, std::size_t>> in_flight;  ///< slots in use, at each change
    std::vector<StoppedWave> stopped;
    Instant end;  ///< nobody had anything left to do
    std::size_t peak = 0;
    int faults = 0;
};

/// A herd on a virtual clock: guests move by the step table and are admitted by the wave, as in the real one; their
/// hosts are models. One course per object.
class VirtualHerd {
  public:
    /// Guests `guest-1` ... of `alice`, on hosts in turn, stopped and wanted ready.
    VirtualHerd(const Scenario& scenario, const WavePolicies& policies);

    /// The rows before the course begins: change them to make another herd.
    std::vector<Guest>& guests() { return rows_; }
    /// Makes a guest ready, with nothing to be done.
    void bring_up(Guest& guest);
    /// The rule as it stands.
    [[nodiscard]] const Wave& wave() const { return wave_; }
    /// Is called after each event.
    void observe(std::function<void(const Wave&, Instant)> observer) { observer_ = std::move(observer); }
    /// Lets everything happen until nobody has anything left to do. At `kill` the wave is lost and begins anew with
    /// what the rows tell. Error{failed} when for a day nothing moves.
    Course run(std::optional<Instant> kill = std::nullopt);

  private:
    /// What is known of a guest beyond its row, and its luck.
    struct Watch {
        Run run = Run::off;
        Voice voice = Voice::silent;
        int asked = 0, draws = 0;
        bool stops = false, crashes = false, hangs = false;
        std::optional<std::size_t> use;  ///< of a slot
        double cpu = 0;                  ///< seconds since its slot began
        Instant entered, told, retry_at;
    };

    Guest& row(GuestId id) { return rows_.at(static_cast<std::size_t>(id) - 1); }
    Watch& watch(GuestId id) { return watches_.at(static_cast<std::size_t>(id) - 1); }
    VirtualHost& host_of(const Guest& guest) { return hosts_.at(guest.host); }

    void look_into(GuestId id);
    bool round(GuestId id);
    [[nodiscard]] Seen see(const Guest& guest, const Watch& watch) const;
    void apply(const Correction& correction, const Seen& seen, Guest& guest);
    void perform(Step step, Guest& guest);
    void start(Guest& guest);
    void stop(Guest& guest);
    void finished(GuestId id);
    void changed(Guest& guest, Phase before);
    void note_slot(GuestId id, std::optional<WaveClass> wave = std::nullopt);
    void wake_later(const Guest& guest, const Watch& watch);
    [[nodiscard]] Duration timeout_of(Phase phase) const;
    [[nodiscard]] Work drawn(const Work& work, const Guest& guest, Watch& watch) const;

    [[nodiscard]] Error stuck() const;
    [[nodiscard]] std::optional<Instant> next() const;
    void pass(Instant when);
    void sample();
    void call();
    void put_back();
    void kill();

    Scenario scenario_;
    WavePolicies policies_;
    Wave wave_;
    std::vector<Guest> rows_;
    std::vector<Watch> watches_;
    std::map<std::string, VirtualHost> hosts_;
    std::priority_queue<std::pair<Instant, GuestId>, std::vector<std::pair<Instant, GuestId>>, std::greater<>> alarms_;
    Instant now_, sampled_, moved_;
    std::size_t pending_ = 0;  ///< have something left to do
    std::size_t in_use_ = 0;   ///< slots
    std::function<void(const Wave&, Instant)> observer_;
    Course course_;
};

}  // namespace drover
