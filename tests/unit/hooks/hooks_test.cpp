#include "hooks/hooks.hpp"

#include <gmock/gmock.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <sstream>

#include "fixture.hpp"
#include "model/error.hpp"

namespace drover {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The hooks with a real registry; root's alone, as they are.
class HooksTest : public HookFolder {
  protected:
    HooksTest() {
        config.hooks = {folder(), 30s};
        registry.images.add("tiny", "sha256:" + std::string(64, '1'));
        registry.owners.set({.name = "alice", .quota = 100}, 0);
    }
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "hooks have to be root's";
        start();
    }
    void start() {
        hooks.reset();
        hooks = std::make_unique<Hooks>(config, registry, [this] {
            const std::lock_guard lock(mutex);
            ++heard;
            news.notify_all();
        });
    }

    /// The guests of a request, brought where it wants them.
    std::vector<Guest> ready_guests(int count) {
        const auto reserved = registry.guests.request({"root", true}, {.owner = "alice", .count = count},
                                                      {.image = "tiny",
                                                       .profile = "basic",
                                                       .version = registry.images.current("tiny"),
                                                       .network = network_of(parse_subnet("10.9.0.0/16"))});
        std::vector<Guest> guests;
        for (const GuestId id : registry.guests.ids_in(reserved.operation)) {
            move(id, Phase::stopped);
            move(id, Phase::ready);
            guests.push_back(*registry.guests.get(id));
        }
        return guests;
    }
    void move(GuestId id, Phase phase) {
        const Guest before = *registry.guests.get(id);
        Guest after = before;
        after.phase = phase;
        after.have = after.want;
        ASSERT_TRUE(registry.guests.save(before, after, "phase", "moved"));
    }

    /// Until it was heard what the hooks say; how they refused it, empty: they did not.
    std::string refusal() {
        const auto permission = hooks->ask("bob", {{"verb", "request"}, {"count", 3}});
        std::unique_lock lock(mutex);
        try {
            news.wait(lock, [&] { return permission->is_given(); });
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::refused);
            return error.what();
        }
        return "";
    }

    [[nodiscard]] std::string text_of(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream(file(name)).rdbuf();
        return text.str();
    }
    /// Waits for a file that a hook makes.
    template <typename Condition> void wait_until(Condition condition) const {
        const auto until = std::chrono::steady_clock::now() + 60s;
        bool holds = condition();
        for (; !holds && std::chrono::steady_clock::now() < until; holds = condition())
            std::this_thread::sleep_for(10ms);
        ASSERT_TRUE(holds);
    }
    std::vector<std::string> hook_events() {
        std::vector<std::string> messages;
        for (const Event& event : registry.events.since(0, 10000, std::nullopt))
            if (event.kind == "hook") messages.push_back(event.message);
        return messages;
    }

    Config config;
    Registry registry{{.file = file("registry.db"), .migrations = DROVER_SOURCE "/schema"}};
    std::mutex mutex;
    std::condition_variable news;
    int heard = 0;
    std::unique_ptr<Hooks> hooks;
};

TEST_F(HooksTest, HOOK_1_NobodyRefusesWithoutHooks) { EXPECT_EQ(refusal(), ""); }

TEST_F(HooksTest, HOOK_1_AreAskedByNameUntilOneRefuses) {
    const auto note = [&](const std::string& name) { return "echo " + name + " >>" + file("asked"); };
    add("request-pre", "b", note("b") + "; echo first >&2; echo 'not on Fridays' >&2; exit 3");
    add("request-pre", "a", note("a"));
    add("request-pre", "c", note("c"));
    EXPECT_EQ(refusal(), "refused by the hook request-pre/b: not on Fridays");
    EXPECT_EQ(text_of("asked"), "a\nb\n");
    EXPECT_THAT(hook_events(), ElementsAre()) << "to refuse is no failure";
}

TEST_F(HooksTest, HOOK_3_HaveAFixedEnvironmentAndTheRequestOnStandardInput) {
    ::setenv("DROVER_LEAK", "1", 1);
    add("request-pre", "a", "cat >" + file("input") + "; env >" + file("env") + "; pwd >" + file("pwd"));
    EXPECT_EQ(refusal(), "");
    const auto input = wire::parse(text_of("input"));
    EXPECT_EQ(input["event"], "request-pre");
    EXPECT_EQ(input["who"], "bob");
    EXPECT_EQ(input["request"]["count"], 3);
    EXPECT_EQ(input["guests"], wire::Json::array());
    EXPECT_EQ(text_of("pwd"), "/\n");
    EXPECT_THAT(text_of("env"), HasSubstr("DROVER_EVENT=request-pre\n"));
    EXPECT_THAT(text_of("env"), HasSubstr("DROVER_SOCKET=" + config.socket + "\n"));
    EXPECT_THAT(text_of("env"), testing::Not(HasSubstr("DROVER_LEAK")));
}

TEST_F(HooksTest, HOOK_2_WhoGivesNoAnswerRefuses) {
    config.hooks.timeout = 200ms;
    const auto path = add("request-pre", "a", "sleep 1000");
    EXPECT_EQ(refusal(), "the hook request-pre/a gave no answer: did not end within 200ms");
    EXPECT_NE(refusal(), "");
    EXPECT_EQ(hook_events().size(), 1U) << "once for a streak";
    config.hooks.timeout = 30s;
    add("request-pre", "a", "kill -SEGV $$");
    EXPECT_THAT(refusal(), HasSubstr("killed by signal 11"));
    std::ofstream(path) << "\x7f"
                           "ELF";  // no program
    EXPECT_THAT(refusal(), HasSubstr("cannot be run"));
    std::filesystem::permissions(path, std::filesystem::perms(0666));
    EXPECT_THAT(refusal(), HasSubstr("is not run: " + path + " can be written by others than root: chmod go-w"));
    add("request-pre", "a", "exit 0");
    EXPECT_EQ(refusal(), "");
    EXPECT_THAT(hook_events(),
                ElementsAre(HasSubstr("request-pre/a failed: did not end"), HasSubstr("request-pre/a is not run: "),
                            "request-pre/a may be run again", "request-pre/a works again"));
}

TEST_F(HooksTest, HOOK_2_OneThatHangsHoldsOnlyItsOwnRequest) {
    add("request-pre", "a", "read line; case $line in *hang*) sleep 1000;; esac");
    const auto hanging = hooks->ask("bob", {{"verb", "hang"}});
    EXPECT_EQ(refusal(), "");
    EXPECT_FALSE(hanging->is_given());
    hooks.reset();  // does not wait for it
}

TEST_F(HooksTest, HOOK_6_AreToldInBatchesWhatHappenedSinceTheyCame) {
    ready_guests(1);
    add("guest-ready-post", "x", "cat >>" + file("told"));
    hooks->start();
    wait_until([&] { return registry.note("hook/guest-ready-post/x").has_value(); });
    ready_guests(51);  // 50 of them new
    wait_until([&] { return text_of("told").find("alice-51") != std::string::npos; });
    std::istringstream runs(text_of("told"));
    std::set<std::string> names;
    int count = 0;
    for (std::string line; std::getline(runs, line); ++count) {
        const auto input = wire::parse_answer(line);
        for (const auto& guest : input["guests"]) names.insert(guest["name"]);
        EXPECT_EQ(input["operations"].at(0)["verb"], "request");
        EXPECT_EQ(input["events"].size(), input["guests"].size());
    }
    EXPECT_EQ(names.size(), 50U);
    EXPECT_FALSE(names.contains("alice-1")) << "that was before it came";
    EXPECT_LE(count, 10);
}

TEST_F(HooksTest, HOOK_7_AreToldAgainUntilTheyEndWell) {
    add("guest-ready-post", "x", "cat >>" + file("told") + "; [ -e " + file("go") + " ]");
    add("guest-ready-post", "y", "cat >>" + file("other"));
    hooks->start();
    wait_until([&] { return registry.note_keys("hook/").size() == 2; });
    ready_guests(1);
    wait_until([&] { return text_of("told").find("alice-1") != std::string::npos; });
    wait_until([&] { return text_of("other").find("alice-1") != std::string::npos; });
    wait_until([&] { return hook_events().size() == 1; });
    const auto before = text_of("told").size();
    start();  // as after a kill
    hooks->start();
    wait_until([&] { return text_of("told").size() > before && hook_events().size() == 2; });
    std::ofstream(file("go")) << "";
    wait_until([&] { return hook_events().back() == "guest-ready-post/x works again"; });
}

TEST_F(HooksTest, HOOK_6_OnesTakenAwayForgetWhereTheyWere) {
    const auto path = add("fault-post", "x", "exit 0");
    hooks->start();
    wait_until([&] { return registry.note("hook/fault-post/x").has_value(); });
    std::filesystem::remove(path);
    wait_until([&] { return registry.note_keys("hook/").empty(); });
    add("fault-post", "x", "exit 0");
    wait_until([&] { return registry.note("hook/fault-post/x").has_value(); });
    hooks.reset();
    std::filesystem::remove(path);
    start();
    hooks->start();
    wait_until([&] { return registry.note_keys("hook/").empty(); });
}

TEST_F(HooksTest, HOOK_8_AGuestGoesWhenTheHooksWereToldOrTheTimeIsOver) {
    const Guest guest = ready_guests(1).front();
    EXPECT_TRUE(hooks->may_go(guest)) << "there is no hook";
    add("guest-retire-pre", "x", "cat >" + file("told") + "; exit 1");
    EXPECT_FALSE(hooks->may_go(guest));
    wait_until([&] { return hooks->may_go(guest); });
    EXPECT_EQ(wire::parse(text_of("told"))["guests"].at(0)["name"], "alice-1");
    config.hooks.timeout = 300ms;
    add("guest-retire-pre", "y", "sleep 1000");
    EXPECT_FALSE(hooks->may_go(guest));
    wait_until([&] { return hooks->may_go(guest); });
}

}  // namespace
}  // namespace drover
