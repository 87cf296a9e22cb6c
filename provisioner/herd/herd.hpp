#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "herd/agenda.hpp"
#include "herd/host_mode.hpp"
#include "herd/meters.hpp"
#include "herd/questions.hpp"
#include "herd/seldom.hpp"
#include "herd/service_desk.hpp"
#include "herd/steps.hpp"
#include "herd/watch.hpp"
#include "herd/waves.hpp"
#include "model/sync.hpp"

namespace drover {

/// The engine: finds the one next step of each guest and does it, until every guest is where it is wanted. Requests,
/// mass verbs, crashes, self-restarts and recovery after a kill all end here; nothing else moves a guest.
class Herd {
  public:
    explicit Herd(const Parts& parts);
    /// Ends the threads; guests go on.
    ~Herd();

    /// Looks at every domain and begins.
    void start();
    /// Something about this guest was written in the registry: look into it now. Any thread, returns at once.
    void nudge(GuestId id);
    void nudge(const std::vector<GuestId>& ids);
    /// `drover host stop` and `start`: HostMode.
    void stop_host(Duration budget);
    void start_host();
    [[nodiscard]] const HostMode& host() const { return host_; }
    /// What the operation says of its wave has changed: reads and obeys it.
    void obey(OperationId operation);
    /// When these guests will begin and be where they should be, for all that is known now: Waves::plan.
    [[nodiscard]] std::vector<Forecast> plan(const std::vector<Guest>& guests,
                                             const std::optional<OperationRule>& rule = std::nullopt) const {
        return waves_.plan(guests, rule);
    }
    /// What a guest in line waits for, for people; empty when it does not wait.
    [[nodiscard]] std::string waits_for(GuestId id) const { return waves_.waits_for(id); }
    /// Calls `take` with the life of each guest that is not gone; quick, and without calls back into the herd.
    void for_each_pulse(const std::function<void(const Pulse&)>& take);
    [[nodiscard]] std::optional<Pulse> pulse(GuestId id);
    /// Asks all of it, each guest in one piece; that counts as unanswered until a word comes. What they say of their
    /// services is in the registry a little later.
    void ask_for_life(const std::vector<LifeQuestion>& questions);
    /// Questions to those guests that it has a channel to.
    [[nodiscard]] Questions& questions() { return questions_; }
    /// How each class of work fares.
    [[nodiscard]] std::vector<WaveSight> waves() const { return waves_.sight(); }
    [[nodiscard]] const HerdMeters& meters() const { return meters_; }
    /// Guests whose control channel is open.
    [[nodiscard]] std::size_t attached() const { return sessions_.count(); }
    /// Takes up the console of a guest that runs. Errors of Domains::open_console().
    void open_console(GuestId id);
    /// Services of guests, and what else guests that are ready are told to do once.
    [[nodiscard]] ServiceDesk& services() { return services_; }
    /// Whether the hypervisor answered last time.
    [[nodiscard]] bool hypervisor_reachable() const { return reachable_; }

  private:
    static constexpr GuestId everybody = 0;  ///< the agenda's entry for a look at all domains
    static constexpr GuestId the_next = -1;  ///< and for a look at who may go since time has passed
    static constexpr auto look_interval = std::chrono::seconds(30);
    static constexpr auto retry_touch = std::chrono::seconds(1);

    // One round: correct, choose, admit, do, commit; again until the guest has nothing to do now.
    void advance(GuestId id);
    bool round(const Guest& guest);
    bool take_step(Step step, const Guest& guest, const Watch& watch);
    std::optional<double> cpu_used_by(const Guest& guest);
    bool try_step(Step step, const Guest& guest, const Watch& watch);
    void do_step(Step step, const Guest& guest, const Watch& watch);
    static void tidy_up(const Guest& guest, const std::function<void()>& work);

    void take_over();
    void wake_all_by(Agenda::Clock::time_point when);
    void learn_rule(const Guest& guest, Step step);
    void put_back(StoppedWave wave);
    void put_back_again();
    void forget_ended();
    void look_at_all();
    void look_if_due(const Guest& guest);
    void listen(const Guest& guest, const Watch& watch);
    void read_console(const Guest& guest, const Watch& watch);
    Seen see(const Guest& guest, const Watch& watch) const;
    [[nodiscard]] bool is_bad_fork(const Guest& guest, const Watch& watch) const;
    void give_up_fork(const Guest& guest, const Watch& watch);
    [[nodiscard]] bool is_half_started(const Watch& watch) const;
    [[nodiscard]] Duration start_patience() const;
    void give_up_half_started(const Guest& guest);
    Watch renewing(Step step, const Guest& guest, const Watch& watch);
    void wake_later(const Guest& guest, const Watch& watch);

    void commit(const Guest& before, const Guest& after, const std::string& kind, const std::string& message,
                const std::vector<MadeCopy>& made = {}, const std::string& heal = "");
    void apply(const Correction& correction, const Guest& guest, const Seen& seen, const Watch& watch);
    void failed(const Guest& guest, Step step, const std::string& message);
    void postponed(const Guest& guest, Step step, const std::string& why);
    void lost_touch(const std::string& why);
    [[nodiscard]] Guest fallen(Guest guest, std::string& why) const;
    void tell_of(Step step, const Guest& guest);
    Guest given_up(Guest guest, const std::string& kind, const std::string& message);
    [[nodiscard]] Duration backoff(int attempts) const;
    [[nodiscard]] Duration timeout_of(Phase phase) const;
    [[nodiscard]] Duration call_interval(const Guest& guest) const;

    void heard(GuestId id, const control::FromGuest& message);
    void hear_refusal(GuestId id, Watch& watch, const control::Err& refusal, Agenda::Clock::time_point when);
    std::map<std::string, ServiceStatus> take_services(GuestId id);
    Watch watch_of(const Guest& guest);
    Voice voice_of(const Guest& guest, const Watch& watch);
    template <typename Change> void change_watch(GuestId id, Change&& change) {
        auto watches = watches_.lock();
        const auto [entry, added] = watches->try_emplace(id);
        if (added && reachable_) {  // all domains were looked at, and this guest is newer: it has none
            entry->second.domain = {.id = id};
            entry->second.look_due = false;
        }
        change(entry->second);
    }
    void work();
    void turn(GuestId id);

    Parts parts_;
    HerdMeters meters_;
    Synchronized<std::unordered_map<GuestId, Watch>> watches_;
    Agenda agenda_;
    HostMode host_;
    Waves waves_;
    Synchronized<std::unordered_set<OperationId>> learnt_;  ///< operations whose rules are known
    Synchronized<std::vector<StoppedWave>> stopped_;        ///< to be put back: the registry did not take it
    std::atomic<bool> reachable_ = false;
    Seldom lost_, found_;                              ///< said of it
    Questions questions_{sessions_};                   ///< hears what the sessions' thread says, so it outlives that
    ServiceDesk services_{parts_, sessions_, steps_};  ///< the same
    control::Sessions sessions_;
    Steps steps_;
    std::vector<std::thread> workers_;
};

}  // namespace drover
