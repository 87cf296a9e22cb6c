#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <set>
#include <thread>

#include "contract.hpp"
#include "control/codec.hpp"

namespace drover {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
constexpr auto patience = 60s;

/// Hears of changes and waits for what they bring.
class Changes {
  public:
    explicit Changes(Domains& domains) : domains_(domains) {
        domains_.watch([this](GuestId id) {
            auto heard = heard_.lock();
            heard->insert(id);
            changed_.notify_all();
        });
    }
    ~Changes() { domains_.watch(nullptr); }
    /// Waits until the guest was named since the last call.
    bool of(GuestId id) {
        auto heard = heard_.lock();
        return changed_.wait_for(heard.handle(), patience, [&] { return heard->erase(id) > 0; });
    }

  private:
    Domains& domains_;
    Synchronized<std::set<GuestId>> heard_;
    std::condition_variable changed_;
};

class DomainsContract : public Contract {
  protected:
    void start(const DomainSpec& spec) {
        domains().define(spec);
        domains().start(spec.id);
    }
};
class TalkingContract : public DomainsContract {};

INSTANTIATE_TEST_SUITE_P(On, DomainsContract, testing::ValuesIn(all_worlds()), name_of);
INSTANTIATE_TEST_SUITE_P(On, TalkingContract, testing::ValuesIn(talking_worlds()), name_of);

TEST_P(DomainsContract, AnAbsentDomainIsOffAndBadForStartingOnly) {
    EXPECT_EQ(domains().look(1), (DomainSeen{.id = 1}));
    EXPECT_TRUE(domains().list().empty());
    EXPECT_EQ(kind_of([&] { domains().start(1); }), ErrorKind::not_found);
    EXPECT_EQ(kind_of([&] { domains().suspend(1); }), ErrorKind::not_found);
    EXPECT_EQ(kind_of([&] { domains().resume(1); }), ErrorKind::not_found);
    EXPECT_EQ(kind_of([&] { domains().open_channel(1); }), ErrorKind::not_found);
    domains().press_power_button(1);
    domains().force_off(1);
    domains().undefine(1);
}

TEST_P(DomainsContract, ADefinedDomainIsSeenWithItsTagUntilItIsUndefined) {
    auto spec = world().sleeper(7);
    spec.make = {"sha256:" + std::string(64, 'b'), 3, 9};
    domains().define(spec);
    domains().define(spec);
    const DomainSeen wanted{7, true, Run::off, false, spec.make, spec.name};
    EXPECT_EQ(domains().look(7), wanted);
    EXPECT_EQ(domains().list(), std::vector{wanted});
    domains().undefine(7);
    domains().undefine(7);
    EXPECT_EQ(domains().look(7), (DomainSeen{.id = 7}));
    EXPECT_TRUE(domains().list().empty());
}

TEST_P(DomainsContract, StartsOnceAndIsForcedOffOnce) {
    start(world().sleeper(1));
    domains().start(1);
    EXPECT_EQ(domains().look(1).run, Run::running);
    EXPECT_EQ(domains().list().at(0).run, Run::running);
    domains().force_off(1);
    domains().force_off(1);
    EXPECT_EQ(domains().look(1).run, Run::off);
    EXPECT_FALSE(domains().look(1).powered_off_itself);
    domains().start(1);
    EXPECT_EQ(domains().look(1).run, Run::running);
}

TEST_P(DomainsContract, WhatDoesNotRunUsesNoCpu) {
    EXPECT_FALSE(domains().cpu_seconds(1));
    domains().define(world().sleeper(1));
    EXPECT_FALSE(domains().cpu_seconds(1));
    domains().start(1);
    if (const auto used = domains().cpu_seconds(1)) {
        EXPECT_GE(*used, 0);
    }
}

TEST_P(DomainsContract, ARunningDomainKeepsTheTagItWasStartedWith) {
    auto spec = world().sleeper(1);
    start(spec);
    const auto live = spec.make;
    spec.make.boot += 1;
    domains().define(spec);
    EXPECT_EQ(domains().look(1).live, live);
    EXPECT_EQ(domains().list().at(0).live, live);
    domains().force_off(1);
    EXPECT_EQ(domains().look(1).live, spec.make);
    domains().start(1);
    EXPECT_EQ(domains().look(1).live, spec.make);
}

TEST_P(DomainsContract, PausesAndGoesOn) {
    start(world().sleeper(1));
    for (int i = 0; i < 2; ++i) domains().suspend(1);
    EXPECT_EQ(domains().look(1).run, Run::paused);
    domains().start(1);
    EXPECT_EQ(domains().list().at(0).run, Run::paused) << "start() is no resume()";
    for (int i = 0; i < 2; ++i) domains().resume(1);
    EXPECT_EQ(domains().look(1).run, Run::running);
    domains().force_off(1);
    EXPECT_EQ(kind_of([&] { domains().suspend(1); }), ErrorKind::not_found);
    EXPECT_EQ(kind_of([&] { domains().resume(1); }), ErrorKind::not_found);
    domains().press_power_button(1);
}

TEST_P(DomainsContract, UndefinedWhileItRunsItLivesOnUntilForcedOff) {
    start(world().sleeper(1));
    domains().undefine(1);
    domains().undefine(1);
    EXPECT_FALSE(domains().look(1).defined);
    EXPECT_EQ(domains().look(1).run, Run::running);
    EXPECT_EQ(domains().list().size(), 1);
    domains().force_off(1);
    EXPECT_EQ(domains().look(1), (DomainSeen{.id = 1}));
    EXPECT_TRUE(domains().list().empty());
}

TEST_P(DomainsContract, TellsAPowerOffFromADeath) {
    Changes changes(domains());
    start(world().sleeper(1));
    start(world().sleeper(2));
    // A guest whose firmware is still at work does not feel the button.
    const auto until = Clock::now() + patience;
    while (domains().look(1).run == Run::running && Clock::now() < until) {
        domains().press_power_button(1);
        std::this_thread::sleep_for(50ms);
    }
    EXPECT_EQ(domains().look(1).run, Run::off);
    EXPECT_TRUE(domains().look(1).powered_off_itself);
    world().kill(2);
    while (domains().look(2).run != Run::off && Clock::now() < until) changes.of(2);
    EXPECT_EQ(domains().look(2).run, Run::off);
    EXPECT_FALSE(domains().look(2).powered_off_itself);
    domains().start(1);
    EXPECT_FALSE(domains().look(1).powered_off_itself);
}

TEST_P(DomainsContract, TellsWhichDomainChanged) {
    Changes changes(domains());
    domains().define(world().sleeper(1));
    domains().define(world().sleeper(2));
    domains().start(2);
    EXPECT_TRUE(changes.of(2));
    domains().start(1);
    EXPECT_TRUE(changes.of(1));
    domains().suspend(1);
    EXPECT_TRUE(changes.of(1));
    domains().resume(1);
    EXPECT_TRUE(changes.of(1));
    domains().force_off(1);
    EXPECT_TRUE(changes.of(1));
}

TEST_P(DomainsContract, NeverTouchesAForeignDomainOfTheSameName) {
    world().add_foreign_domain(5);
    const auto spec = world().sleeper(5);
    for (const auto& call : std::initializer_list<std::function<void()>>{
             [&] { domains().define(spec); }, [&] { domains().start(5); }, [&] { domains().suspend(5); },
             [&] { domains().resume(5); }, [&] { domains().press_power_button(5); }, [&] { domains().force_off(5); },
             [&] { domains().undefine(5); }, [&] { domains().look(5); }, [&] { domains().open_channel(5); }})
        EXPECT_EQ(kind_of(call), ErrorKind::refused);
    EXPECT_TRUE(domains().list().empty());
}

TEST_P(DomainsContract, WorksFromSeveralThreadsAtOnce) {
    std::vector<DomainSpec> specs;
    for (GuestId id = 1; id <= 4; ++id) specs.push_back(world().sleeper(id));
    std::vector<std::jthread> threads;
    for (const auto& spec : specs)
        threads.emplace_back([&, spec] {
            start(spec);
            EXPECT_EQ(domains().look(spec.id).run, Run::running);
            domains().force_off(spec.id);
            domains().undefine(spec.id);
        });
    for (int i = 0; i < 20; ++i) EXPECT_LE(domains().list().size(), specs.size());
    threads.clear();
    EXPECT_TRUE(domains().list().empty());
}

TEST_P(DomainsContract, ProbesForKvmAndLeavesNothingBehind) {
    const auto [kernel, initrd] = world().probe();
    const auto begun = Clock::now();
    domains().probe_kvm(kernel, initrd);
    domains().probe_kvm(kernel, initrd);
    EXPECT_LT(Clock::now() - begun, patience);
    EXPECT_TRUE(domains().list().empty());
    EXPECT_FALSE(domains().probe_kvm("/nowhere/vmlinuz", "/nowhere/initrd") && GetParam().name != "fake");
}

/// The daemon's end of a channel.
class Line {
  public:
    explicit Line(UniqueFd fd) : fd_(std::move(fd)) {}

    void say(const control::FromDaemon& message) {
        const auto line = "\n" + control::encode(message);
        EXPECT_EQ(::write(fd_.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
    }
    /// Waits for a message of this type.
    template <typename Message> std::optional<Message> hear() {
        for (;;) {
            for (; !heard_.empty(); heard_.erase(heard_.begin())) {
                const auto message = control::decode_from_guest(heard_.front());
                if (!message || !std::holds_alternative<Message>(*message)) continue;
                heard_.erase(heard_.begin());
                return std::get<Message>(*message);
            }
            const auto bytes = read();
            if (bytes.empty()) return std::nullopt;
            for (auto& line : lines_.feed(bytes)) heard_.push_back(std::move(line));
        }
    }
    /// Waits for the end of file.
    bool ends() {
        while (!read().empty()) continue;
        return ended_;
    }

  private:
    std::string read() {
        pollfd readable{fd_.get(), POLLIN, 0};
        std::array<char, 4096> bytes{};
        if (::poll(&readable, 1, std::chrono::milliseconds(patience).count()) <= 0) return "";
        const auto count = ::read(fd_.get(), bytes.data(), bytes.size());
        ended_ = count == 0;
        return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
    }

    UniqueFd fd_;
    control::LineReader lines_{false};
    std::vector<std::string> heard_;
    bool ended_ = false;
};

TEST_P(DomainsContract, AChannelEndsWithItsDomain) {
    start(world().sleeper(1));
    Line line(domains().open_channel(1));
    domains().force_off(1);
    EXPECT_TRUE(line.ends());
    EXPECT_EQ(kind_of([&] { domains().open_channel(1); }), ErrorKind::not_found);
}

TEST_P(TalkingContract, AGuestSaysHelloAnswersAndStopsWhenTold) {
    Changes changes(domains());
    start(world().talker(1));
    Line line(domains().open_channel(1));
    line.say(control::Ping{1});
    const auto hello = line.hear<control::Hello>();
    ASSERT_TRUE(hello);
    EXPECT_EQ(hello->boot_id.size(), 32);
    line.say(control::Stop{2});
    EXPECT_TRUE(line.ends());
    while (domains().look(1).run != Run::off) ASSERT_TRUE(changes.of(1));
    EXPECT_TRUE(domains().look(1).powered_off_itself);
}

TEST_P(TalkingContract, APausedGuestIsSilentAndAnswersWhenItGoesOn) {
    start(world().talker(1));
    Line line(domains().open_channel(1));
    line.say(control::Ping{1});
    ASSERT_TRUE(line.hear<control::Ok>());
    domains().suspend(1);
    line.say(control::Ping{2});
    domains().resume(1);
    const auto ok = line.hear<control::Ok>();
    ASSERT_TRUE(ok);
    EXPECT_EQ(ok->n, 2);
}

TEST_P(TalkingContract, AChannelIsOpenedAnewOnceTheFormerIsClosed) {
    start(world().talker(1));
    auto former = std::make_unique<Line>(domains().open_channel(1));
    former->say(control::Ping{1});
    ASSERT_TRUE(former->hear<control::Ok>());
    Line next(domains().open_channel(1));
    next.say(control::Ping{2});
    former.reset();
    const auto ok = next.hear<control::Ok>();
    ASSERT_TRUE(ok);
    EXPECT_EQ(ok->n, 2);
}

}  // namespace
}  // namespace drover
