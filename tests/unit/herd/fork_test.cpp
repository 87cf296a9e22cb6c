#include <optional>

#include "fixture.hpp"
#include "herd/templates.hpp"
#include "storage/templates.hpp"

/// Guests that never ran are forked from a template; whatever is wrong with that, they are ready another way.
namespace drover {
namespace {

class ForkTest : public HerdTest {
  protected:
    ForkTest() { config.guest.memory = 1 << 20; }
    ~ForkTest() override { end(); }

    void start_forking() {
        parts.emplace(Parts{config, registry, domains, names, roots, overlays, copies, accelerator, "+0:+0",
                            [this] {
                                network.ensure({"test", registry.uuid(), subnet, "test.internal"});
                            },
                            "boot", nullptr, &domains});
        templates = std::make_unique<Templates>(*parts, store);
        parts->templates = templates.get();
        herd = std::make_unique<Herd>(*parts);
        templates->start([this](const std::vector<GuestId>& ids) { herd->nudge(ids); });
        herd->start();
    }
    void end() {
        if (templates) templates->stop();
        herd.reset();
        templates.reset();
    }
    void request_more(int count) {
        const auto reserved = registry.guests.request(
            root, {.owner = "alice", .count = count, .additional = true},
            {.image = "plain", .profile = "basic", .version = version.digest, .network = network_of(subnet)});
        herd->nudge(registry.guests.ids_in(reserved.operation));
        ASSERT_EQ(outcome_of(reserved.operation), "done");
    }
    [[nodiscard]] int told(const std::string& kind) {
        int count = 0;
        for (const Event& event : registry.events.since(0, 10000, std::nullopt)) count += event.kind == kind ? 1 : 0;
        return count;
    }
    [[nodiscard]] std::string way_of(GuestId id) { return registry.guests.get(id)->started_by; }
    /// The first guest boots cold, or not, as it comes; from then on there is a template.
    void make_template() {
        start_forking();
        request_more(1);
        ASSERT_TRUE(eventually([&] { return told("template-made") == 1; }));
    }

    TemplateStore store{folder.paths().state, "+0:+0"};
    std::optional<Parts> parts;
    std::unique_ptr<Templates> templates;
};

TEST_F(ForkTest, AGuestThatNeverRanIsForkedAndKnowsWhoItIs) {
    make_template();
    request_more(1);
    const Guest guest = *registry.guests.get(2);
    EXPECT_EQ(guest.started_by, "fork");
    EXPECT_EQ(domains.forks(2), 1);
    EXPECT_EQ(domains.starts(2), 0);
    EXPECT_EQ(domains.identity(2).name, guest.name);
    EXPECT_EQ(domains.authorized_keys(2), std::vector{alice_key});
    EXPECT_TRUE(guest.host_key.starts_with("ssh-ed25519 "));
    EXPECT_TRUE(guest.timings.build && guest.timings.start && guest.timings.hello && guest.timings.ready);
    EXPECT_EQ(domains.list().size(), 2U) << "templates are no guests";
}

TEST_F(ForkTest, AGuestThatRanBootsColdAndARebuiltOneIsForked) {
    make_template();
    request_more(1);
    EXPECT_EQ(outcome_of(ask(Verb::restart, "alice-2")), "done");
    EXPECT_EQ(way_of(2), "cold");
    EXPECT_EQ(outcome_of(ask(Verb::rebuild, "alice-2")), "done");
    EXPECT_EQ(way_of(2), "fork");
}

TEST_F(ForkTest, ALargeWaveWaitsForItsTemplate) {
    start_forking();
    request_more(6);
    for (GuestId id = 1; id <= 6; ++id) EXPECT_EQ(way_of(id), "fork") << id;
    EXPECT_EQ(told("template-made"), 1);
}

TEST_F(ForkTest, AForkThatFailsBootsColdOnce) {
    config.attempts = 1;
    make_template();
    domains.behave(2, {.failing_forks = 1});
    request_more(1);
    EXPECT_EQ(way_of(2), "cold");
    EXPECT_EQ(told("fork-failed"), 1);
    EXPECT_EQ(overlays.place(2, 1).prototype, overlays.base("basic", config.guest.disk));
}

TEST_F(ForkTest, AForkThatCannotBeRenewedIsNeverReadyAndBootsCold) {
    config.attempts = 1;
    make_template();
    domains.behave(2, {.refuses_renewal = true});
    request_more(1);
    EXPECT_EQ(way_of(2), "cold");
    EXPECT_EQ(domains.forks(2), 1);
    EXPECT_EQ(told("fork-failed"), 1);
    EXPECT_EQ(told("fault"), 0);
}

TEST_F(ForkTest, ATemplateWhoseForksFailIsGivenUp) {
    make_template();
    domains.behave({.refuses_renewal = true});
    for (int i = 0; i < 3; ++i) request_more(1);
    EXPECT_TRUE(eventually([&] { return told("template-failed") == 1; }));
    EXPECT_EQ(templates->list().front().stage, TemplateSight::Stage::failed);
    request_more(1);
    EXPECT_EQ(told("fork-failed"), 3) << "nobody forks from it any more";
}

TEST_F(ForkTest, ATemplateThatHangsIsToldAndItsGuestsBootCold) {
    config.ready_timeout = 2s;
    domains.behave(template_id, {.answers = false});
    start_forking();
    request_more(6);
    for (GuestId id = 1; id <= 6; ++id) EXPECT_EQ(way_of(id), "cold") << id;
    EXPECT_EQ(told("template-failed"), 1);
    EXPECT_TRUE(store.all().empty());
}

TEST_F(ForkTest, ATrialThatCannotBeRenewedMakesNoTemplate) {
    domains.behave(trial_id, {.refuses_renewal = true});
    start_forking();
    request_more(6);
    EXPECT_EQ(way_of(6), "cold");
    EXPECT_TRUE(store.all().empty());
    EXPECT_EQ(domains.look(trial_id).run, Run::off);
}

TEST_F(ForkTest, AnotherReleaseOfTheHypervisorNeedsAnotherTemplate) {
    make_template();
    domains.set_release("2");
    request_more(6);
    EXPECT_EQ(told("template-dropped"), 1);
    EXPECT_EQ(told("template-made"), 2);
    EXPECT_EQ(way_of(7), "fork");
    EXPECT_EQ(store.all().size(), 1U);
}

TEST_F(ForkTest, ALaterDaemonUsesTheTemplateOnlyIfItIsWhatWasMade) {
    make_template();
    end();
    start_forking();
    request_more(2);
    EXPECT_EQ(way_of(3), "fork") << "it was only read";
    end();
    std::ofstream(store.all().front().memory(), std::ios::in | std::ios::out) << "changed";
    start_forking();
    request_more(6);
    EXPECT_EQ(told("template-dropped"), 1);
    EXPECT_EQ(told("template-made"), 2);
    EXPECT_EQ(way_of(9), "fork");
}

}  // namespace
}  // namespace drover
