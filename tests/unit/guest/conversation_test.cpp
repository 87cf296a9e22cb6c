#include "guest/conversation.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "control/fields.hpp"
#include "model/error.hpp"

namespace drover::guest {
namespace {

/// A guest in memory.
struct FakeMachine : Machine {
    std::optional<Introduction> last, latest;
    std::string in_force, seed, trouble;
    std::int64_t clock = 0;

    std::string boot_id() override { return std::string(32, 'b'); }
    std::string host_key() override { return seed.empty() ? "" : control::to_base64(seed); }
    std::string digest_in_force() override { return in_force; }
    std::optional<Introduction> last_introduction() override { return last; }
    void put_host_key(std::string_view value) override { seed = value; }
    void set_clock(std::int64_t time) override { clock = time; }
    void put_into_force(const Introduction& introduction) override {
        in_force.clear();
        if (!trouble.empty()) throw Error(ErrorKind::failed, trouble);
        latest = introduction;
        in_force = introduction.digest();
    }
    void keep() noexcept override { last = latest; }
    std::optional<control::Levels> levels() override { return full; }
    std::optional<Hiding> hiding(const PathChange& change) override {
        const auto found = own.find(change.path);
        return found == own.end() ? std::nullopt : std::optional(found->second);
    }
    void reset_later(const std::vector<PathChange>& changes) override { to_reset = changes; }
    std::string serve(const control::ServiceOrder& order) override {
        orders.push_back(order);
        return order.name == "web" ? "" : "ERR " + std::to_string(order.n) + " no service\n";
    }
    std::vector<control::ServiceState> services_known() override { return known; }
    void put_password(const control::Password& password) override {
        if (!trouble.empty()) throw Error(ErrorKind::failed, trouble);
        passwords.push_back(password);
    }
    void reboot() { in_force.clear(); }

    std::map<std::string, Hiding> own;
    std::vector<PathChange> to_reset;
    std::optional<control::Levels> full;
    std::vector<control::ServiceOrder> orders;
    std::vector<control::ServiceState> known;
    std::vector<control::Password> passwords;
};

struct Talk : testing::Test {
    FakeMachine guest;
    Conversation talk{guest};
    const std::string hello = "HELLO 1 " + std::string(32, 'b') + " -\n";
    const control::Identity identity{"alice-1",
                                     "drover.internal",
                                     "alice",
                                     "10.77.0.9/20",
                                     "10.77.0.1",
                                     "10.77.0.1",
                                     "52:54:00:00:00:2a",
                                     std::string(32, 'a'),
                                     "",
                                     "",
                                     1'700'000'000'000};

    std::string say(const control::FromDaemon& message) {
        auto line = control::encode(message);
        line.pop_back();
        auto answer = talk.answer(line);
        talk.rest();
        return answer;
    }
    std::string ready(const std::vector<std::string>& keys) const {
        return "READY " + control::digest_of(identity, keys) + "\n";
    }
};

TEST_F(Talk, begins_with_hello_and_a_ping_is_answered_by_it) {
    EXPECT_EQ(talk.greeting(), hello);
    EXPECT_EQ(say(control::Ping{3}), "OK 3\n" + hello);
}

TEST_F(Talk, orders_are_begun_and_answered_by_who_does_them) {
    EXPECT_EQ(say(control::ServiceOrder{7, "web", ServiceAct::restart}), "");
    EXPECT_EQ(guest.orders, (std::vector<control::ServiceOrder>{{7, "web", ServiceAct::restart}}));
    EXPECT_EQ(say(control::Ping{8}), "OK 8\n" + hello) << "meanwhile";
    EXPECT_EQ(say(control::ServiceOrder{9, "x", ServiceAct::stop}), "ERR 9 no service\n");
}

TEST_F(Talk, a_fork_tells_with_its_hello_how_its_services_are) {
    guest.known = {{"web", ServiceStatus::up}, {"apache2", ServiceStatus::absent}};
    EXPECT_EQ(talk.greeting(), hello + "SERVICE web up\nSERVICE apache2 absent\n");
}

TEST_F(Talk, takes_a_password_or_says_why_not) {
    const control::Password password{4, "root", "$6$salt$" + std::string(86, 'x')};
    EXPECT_EQ(say(password), "OK 4\n");
    EXPECT_EQ(guest.passwords, (std::vector<control::Password>{password}));
    guest.trouble = "no user";
    EXPECT_EQ(say(password), "ERR 4 no user\n");
}

TEST_F(Talk, a_second_address_is_for_the_identity_that_follows_alone) {
    auto both = identity;
    both.address6 = "fd12::9/64";
    both.gateway6 = "fd12::1";
    EXPECT_EQ(say(control::TellAddress6{4, both.address6, both.gateway6}), "OK 4\n");
    EXPECT_EQ(say(control::Introduce{5, identity}), "OK 5\nREADY " + control::digest_of(both, {}) + "\n");
    EXPECT_EQ(guest.last->identity, both);
    EXPECT_EQ(say(control::Introduce{6, identity}), "OK 6\n" + ready({}));
    say(control::TellAddress6{7, both.address6, ""});
    talk.answer("");
    EXPECT_EQ(say(control::Introduce{8, identity}), "OK 8\n" + ready({})) << "of another connection";
}

TEST_F(Talk, tells_which_of_the_paths_it_hides) {
    guest.own = {{"/b", Hiding::deleted}, {"/not/asked", Hiding::edited}};
    for (const auto* path : {"/a", "/b"}) EXPECT_EQ(say(control::Path{4, {path, {}, {}}}), "");
    EXPECT_EQ(talk.answer(""), "") << "the daemon begins each piece with an empty line";
    EXPECT_EQ(say(control::AskShadows{4, 2}), "HIDDEN 4 1 deleted\nOK 4\n");
    EXPECT_EQ(say(control::AskShadows{5, 0}), "OK 5\n");
}

TEST_F(Talk, does_not_answer_for_paths_of_which_some_were_lost_or_are_another_requests) {
    say(control::Path{4, {"/a", {}, {}}});
    EXPECT_EQ(say(control::AskShadows{4, 2}), "ERR 4 not all paths arrived\n");
    say(control::Path{5, {"/a", {}, {}}});
    EXPECT_EQ(say(control::AskShadows{6, 1}), "ERR 6 not all paths arrived\n");
    say(control::Path{7, {"/a", {}, {}}});
    EXPECT_EQ(say(control::Reset{8, 1}), "ERR 8 not all paths arrived\n");
    EXPECT_TRUE(guest.to_reset.empty());
}

TEST_F(Talk, notes_what_to_give_back_instead_of_what_was_noted) {
    say(control::Path{4, {"/a", {}, {}}});
    EXPECT_EQ(say(control::Reset{4, 1}), "OK 4\n");
    EXPECT_EQ(guest.to_reset, (std::vector<PathChange>{{"/a", {}, {}}}));
    EXPECT_EQ(say(control::Reset{5, 0}), "OK 5\n");
    EXPECT_TRUE(guest.to_reset.empty());
}

TEST_F(Talk, many_hidden_paths_take_several_lines) {
    for (std::uint32_t i = 0; i < 500; ++i) {
        const auto path = "/" + std::to_string(i);
        guest.own[path] = Hiding::replaced;
        say(control::Path{4, {path, {}, {}}});
    }
    control::LineReader reader(false);
    std::size_t told = 0;
    for (const auto& line : reader.feed(say(control::AskShadows{4, 500})))
        if (const auto message = control::decode_from_guest(line))
            if (const auto* hidden = std::get_if<control::Hidden>(&*message)) told += hidden->entries.size();
    EXPECT_EQ(told, 500U);
}

TEST_F(Talk, an_identity_puts_the_keys_before_it_into_force) {
    EXPECT_EQ(say(control::Key{1, "host", control::to_base64(std::string(32, 's'))}), "OK 1\n");
    EXPECT_EQ(say(control::Key{2, "authorized", "ssh-ed25519 A a"}), "OK 2\n");
    EXPECT_EQ(say(control::Introduce{3, identity}), "OK 3\n" + ready({"ssh-ed25519 A a"}));
    EXPECT_EQ(guest.seed, std::string(32, 's'));
    EXPECT_EQ(guest.clock, identity.time);
    EXPECT_EQ(guest.last->authorized_keys, std::vector<std::string>{"ssh-ed25519 A a"});
    EXPECT_EQ(say(control::Ping{4}), "OK 4\n" + ready({"ssh-ed25519 A a"}));
}

TEST_F(Talk, ready_is_said_before_what_can_wait_and_that_is_done_once) {
    auto line = control::encode(control::FromDaemon(control::Introduce{5, identity}));
    line.pop_back();
    EXPECT_EQ(talk.answer(line), "OK 5\n" + ready({}));
    EXPECT_EQ(guest.last, std::nullopt);
    talk.rest();
    EXPECT_EQ(guest.last, (Introduction{identity, {}}));

    guest.last.reset();
    say(control::Ping{6});
    EXPECT_EQ(guest.last, std::nullopt) << "nothing new was put into force";

    auto nobody = identity;
    nobody.owner.clear();
    line = control::encode(control::FromDaemon(control::Introduce{7, nobody}));
    line.pop_back();
    talk.answer(line);
    EXPECT_EQ(guest.last, (Introduction{nobody, {}})) << "a pool's member is paused as soon as it is READY";
}

TEST_F(Talk, keys_count_for_the_next_identity_alone) {
    say(control::Key{1, "authorized", "ssh-ed25519 A a"});
    say(control::Introduce{2, identity});
    EXPECT_EQ(say(control::Introduce{3, identity}), "OK 3\n" + ready({}));
}

TEST_F(Talk, keys_of_a_connection_that_broke_are_forgotten) {
    say(control::Key{1, "authorized", "ssh-ed25519 A a"});
    EXPECT_EQ(talk.answer(""), "");
    EXPECT_EQ(say(control::Introduce{2, identity}), "OK 2\n" + ready({}));
}

TEST_F(Talk, a_failure_is_told_and_there_is_no_ready) {
    guest.trouble = "cannot write /etc/hosts:\n\xff no space";
    EXPECT_EQ(say(control::Introduce{7, identity}), "ERR 7 cannot write /etc/hosts:?? no space\n");
    EXPECT_EQ(say(control::Ping{8}), "OK 8\n" + hello);
    guest.trouble.clear();
    EXPECT_EQ(say(control::Introduce{9, identity}), "OK 9\n" + ready({}));
}

TEST_F(Talk, the_number_of_keys_is_bounded) {
    for (std::uint32_t n = 0; n < 256; ++n)
        EXPECT_EQ(say(control::Key{n, "authorized", "k"}), "OK " + std::to_string(n) + "\n");
    EXPECT_TRUE(say(control::Key{256, "authorized", "k"}).starts_with("ERR 256 "));
}

TEST_F(Talk, started_again_within_a_boot_it_is_ready_still) {
    say(control::Introduce{1, identity});
    Conversation again(guest);
    EXPECT_EQ(again.greeting(), hello + ready({}));
    EXPECT_FALSE(again.could_go_on());
}

TEST_F(Talk, goes_on_with_the_last_identity_when_nobody_answers) {
    EXPECT_FALSE(talk.could_go_on());
    say(control::Introduce{1, identity});
    guest.reboot();
    guest.clock = 0;
    EXPECT_TRUE(talk.could_go_on());
    EXPECT_EQ(talk.go_on(), ready({}));
    EXPECT_EQ(guest.clock, 0) << "the time of the last identity is long past";
    EXPECT_FALSE(talk.could_go_on());
}

TEST_F(Talk, stop_is_answered_first) {
    EXPECT_FALSE(talk.stop_asked());
    EXPECT_EQ(say(control::Stop{5}), "OK 5\n");
    EXPECT_TRUE(talk.stop_asked());
}

RC_GTEST_PROP(TalkGarbage, is_dropped_without_an_answer, (const std::string& bytes)) {
    FakeMachine guest;
    Conversation talk(guest);
    RC_PRE(!control::decode_from_daemon(bytes));
    RC_ASSERT(talk.answer(bytes).empty());
}

}  // namespace
}  // namespace drover::guest
