#include "health/health.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>

#include "fixture.hpp"
#include "health/prober.hpp"
#include "simulation/fake_guest.hpp"

/// Health on the engine with a small working hypervisor: who says nothing is stopped and started again, so many times,
/// unless something holds the ladder.
namespace drover {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class HealthTest : public HerdTest {
  protected:
    HealthTest() {
        config.health = {.interval = 200ms, .unresponsive = 600ms, .tries = 2};
        config.stop_timeout = 100ms;
    }
    ~HealthTest() override {
        health.reset();
        herd.reset();
        domains.wait();
    }

    /// Guests of these ids speak as any other until they are hushed; each start gives them their voice back.
    void possess(GuestId last) {
        for (GuestId id = 1; id <= last; ++id)
            domains.possess(id, [this, id](const Line& line) {
                const int start = domains.starts(id);
                auto& guest = *guests.at(static_cast<std::size_t>(id)).lock();
                if (guest.first != start) guest = {start, FakeGuest()};
                static_cast<void>(line.say(guest.second.greet()));
                while (true) {
                    const std::string bytes = line.hear();
                    if (bytes.empty()) return;
                    const std::string words = guest.second.hear(bytes);
                    static_cast<void>(line.say(is_hushed(id, start) ? garbage : words));
                }
            });
    }
    [[nodiscard]] bool is_hushed(GuestId id, int start) const {
        return hushed.at(static_cast<std::size_t>(id)) >= start;
    }
    void hush(GuestId id) { hushed.at(static_cast<std::size_t>(id)) = domains.starts(id); }

    void begin(int count) {
        start_herd();
        ASSERT_EQ(outcome_of(request(count).operation), "done");
        watch();
    }
    void watch() {
        health = std::make_unique<Health>(HealthParts{
            .config = config,
            .registry = registry,
            .for_each_pulse = [this](const auto& take) { herd->for_each_pulse(take); },
            .pulse = [this](GuestId id) { return herd->pulse(id); },
            .ask = [this](const auto& questions) { herd->ask_for_life(questions); },
            .nudge = [this](const std::vector<GuestId>& ids) { herd->nudge(ids); },
            .blind = [this] { return herd->hypervisor_reachable() ? "" : "the hypervisor does not answer"; },
            .load = [this] { return *load.lock(); }});
        health->start();
    }
    [[nodiscard]] std::vector<std::string> told(const std::string& kind) {
        std::vector<std::string> messages;
        for (const Event& event : registry.events.since(0, 10000, std::nullopt))
            if (event.kind == kind) messages.push_back(event.message);
        return messages;
    }
    [[nodiscard]] bool is_told(const std::string& kind, const std::string& words, std::size_t times = 1) {
        return eventually([&] {
            const auto messages = told(kind);
            return std::count_if(messages.begin(), messages.end(), [&](const std::string& text) {
                       return text.find(words) != std::string::npos;
                   }) >= static_cast<std::ptrdiff_t>(times);
        });
    }
    [[nodiscard]] HealthStory story(GuestId id) { return health->story(*registry.guests.get(id)); }
    /// Holds now or soon, whatever the registry tells.
    template <typename Condition> [[nodiscard]] static bool soon(Condition condition) {
        const auto until = std::chrono::steady_clock::now() + patience;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > until) return false;
            std::this_thread::sleep_for(10ms);
        }
        return true;
    }

    const std::string garbage = "READY soon\nPONG\n\x01\x02 hello\n";
    std::array<std::atomic<int>, 32> hushed{};  ///< up to which start of the guest
    std::array<Synchronized<std::pair<int, FakeGuest>>, 32> guests;
    Synchronized<HostLoad> load;
    std::unique_ptr<Health> health;
};

TEST_F(HealthTest, WhoAnswersGarbageIsStoppedAndStartedAgain) {
    possess(1);
    begin(1);
    hush(1);
    ASSERT_TRUE(is_told("health", "is ready again after"));
    const auto messages = told("health");
    EXPECT_THAT(messages.front(), HasSubstr("said nothing for"));
    EXPECT_THAT(messages.front(), HasSubstr("try 1 of 2"));
    const Guest guest = *registry.guests.get(1);
    EXPECT_EQ(guest.phase, Phase::ready);
    EXPECT_EQ(guest.desired, Desired::ready);
    EXPECT_EQ(guest.have.boot, guest.want.boot);
    EXPECT_EQ(domains.starts(1), 2);
    EXPECT_TRUE(soon([&] { return story(1).now.wellness == Wellness::well; }));
    EXPECT_EQ(story(1).now.tries, 1);
    EXPECT_TRUE(story(1).tries_forgotten_in.has_value());
}

TEST_F(HealthTest, WhoSpeaksIsLeftAlone) {
    begin(3);
    ASSERT_TRUE(soon([&] { return health->state().watched == 3 && herd->pulse(3)->levels; }));
    const auto asked = herd->pulse(1)->heard;
    ASSERT_TRUE(soon([&] { return herd->pulse(1)->heard > *asked + 2s; }));
    EXPECT_THAT(told("health"), IsEmpty());
    for (GuestId id = 1; id <= 3; ++id) EXPECT_EQ(domains.starts(id), 1);
    EXPECT_EQ(health->state().silent, 0);
}

TEST_F(HealthTest, TriesEndInAFaultThatAVerbClears) {
    possess(1);
    begin(1);
    for (std::size_t heals = 1; heals <= 2; ++heals) {
        hush(1);
        ASSERT_TRUE(is_told("health", "is ready again after", heals));
    }
    hush(1);
    ASSERT_TRUE(is_told("fault", "it was healed 2 times within 8h"));
    ASSERT_TRUE(reaches(1, Phase::stopped));
    EXPECT_EQ(registry.guests.get(1)->fault->kind, "health");
    EXPECT_EQ(story(1).now.wellness, Wellness::faulted);
    EXPECT_EQ(domains.starts(1), 3);
    hushed.at(1) = 0;
    EXPECT_EQ(outcome_of(ask(Verb::start)), "done");
    EXPECT_EQ(story(1).now.tries, 0);
}

TEST_F(HealthTest, ACrashIsATryOverRestartsOfTheDaemon) {
    begin(1);
    for (int crash = 1; crash <= 2; ++crash) {
        domains.crash(1);
        ASSERT_TRUE(is_told("health", fmt::format("try {} of 2", crash)));
        ASSERT_TRUE(is_told("health", "is ready again after", static_cast<std::size_t>(crash)));
    }
    health.reset();
    herd.reset();
    start_herd();
    watch();
    ASSERT_TRUE(soon([&] { return story(1).now.wellness == Wellness::well; }));
    domains.crash(1);
    ASSERT_TRUE(is_told("fault", "it was healed 2 times"));
    EXPECT_EQ(registry.guests.get(1)->phase, Phase::stopped);
}

TEST_F(HealthTest, ManyAtOnceHoldTheLadderUntilTheySpeakAgain) {
    possess(6);
    begin(6);
    for (GuestId id = 1; id <= 3; ++id) hush(id);
    ASSERT_TRUE(is_told("health", "the ladder is suspended: 3 of 6"));
    EXPECT_EQ(health->state().ladder, Ladder::suspended);
    EXPECT_TRUE(health->state().since.has_value());
    ASSERT_TRUE(soon([&] { return story(1).now.silence > std::optional<Duration>(2s); }));
    EXPECT_THAT(story(1).now.next, HasSubstr("nothing while the ladder is suspended"));
    std::vector<std::string> why;
    for (const Decision& decision : story(1).decisions) why.push_back(decision.text);
    EXPECT_THAT(why, Contains(HasSubstr("nothing is done")));
    for (GuestId id = 1; id <= 6; ++id) EXPECT_EQ(domains.starts(id), 1) << "nobody is restarted";
    for (GuestId id = 1; id <= 3; ++id) hushed.at(static_cast<std::size_t>(id)) = 0;
    ASSERT_TRUE(is_told("health", "not suspended any more"));
    EXPECT_TRUE(soon([&] { return health->state().ladder == Ladder::watching; }));
    for (GuestId id = 1; id <= 6; ++id) EXPECT_EQ(domains.starts(id), 1);
}

TEST_F(HealthTest, ASickHostHoldsItToo) {
    load.lock()->memory_full = 90;
    possess(1);
    begin(1);
    hush(1);
    ASSERT_TRUE(is_told("health", "the ladder is suspended: the host is under pressure: memory (full)"));
    ASSERT_TRUE(soon([&] { return story(1).now.silence > std::optional<Duration>(1s); }));
    EXPECT_EQ(domains.starts(1), 1);
    load.lock()->memory_full = 0;
    ASSERT_TRUE(is_told("health", "is ready again after"));
}

TEST_F(HealthTest, APauseHoldsItOverRestartsOfTheDaemonAndEndsByItself) {
    possess(1);
    begin(1);
    health->pause(root, 1h, "the switch");
    hush(1);
    ASSERT_TRUE(soon([&] { return story(1).now.silence > std::optional<Duration>(1s); }));
    EXPECT_EQ(domains.starts(1), 1);
    EXPECT_THAT(story(1).now.next, HasSubstr("paused: the switch"));
    health.reset();
    watch();
    EXPECT_EQ(health->state().ladder, Ladder::paused);
    EXPECT_GT(*health->state().ends_in, 59min);
    health->pause(root, 200ms, "a moment");
    ASSERT_TRUE(is_told("health", "the ladder goes on: its time is over"));
    ASSERT_TRUE(is_told("health", "is ready again after"));
    EXPECT_THAT(told("health"), Contains("root pauses the ladder for 1h: the switch"));
}

TEST_F(HealthTest, WhoIsPausedGoesOnAndIsNoTry) {
    begin(1);
    domains.suspend(1);
    ASSERT_TRUE(is_told("health", "was paused: it goes on"));
    EXPECT_EQ(story(1).now.tries, 0);
    EXPECT_EQ(domains.starts(1), 1);
}

TEST_F(HealthTest, AnUnreachableHypervisorIsNobodysFault) {
    begin(2);
    domains.set_reachable(false);
    herd->nudge(1);
    ASSERT_TRUE(is_told("health", "the ladder is suspended: the hypervisor does not answer"));
    domains.set_reachable(true);
    ASSERT_TRUE(is_told("health", "not suspended any more"));
    EXPECT_EQ(domains.starts(1) + domains.starts(2), 2);
}

}  // namespace
}  // namespace drover
