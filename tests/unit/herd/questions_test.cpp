#include "herd/questions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <thread>

namespace drover {
namespace {

using namespace std::chrono_literals;
using control::FromDaemon;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto patience = 60s;          ///< for who answers
constexpr auto short_patience = 200ms;  ///< for who never does

/// A guest that answers each message as the test says.
class Guest {
  public:
    using Answers = std::function<std::string(const FromDaemon&)>;
    Guest(UniqueFd line, Answers answers)
        : line_(std::move(line)), answers_(std::move(answers)), thread_([this] { converse(); }) {}
    ~Guest() {
        ::shutdown(line_.get(), SHUT_RDWR);
        thread_.join();
    }
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

  private:
    void converse() {
        std::array<char, 4096> bytes{};
        for (ssize_t size = 0; (size = ::recv(line_.get(), bytes.data(), bytes.size(), 0)) > 0;)
            for (const auto& line : reader_.feed({bytes.data(), static_cast<std::size_t>(size)}))
                if (const auto message = control::decode_from_daemon(line)) say(answers_(*message));
    }
    void say(const std::string& text) const { ::send(line_.get(), text.data(), text.size(), MSG_NOSIGNAL); }

    UniqueFd line_;
    Answers answers_;
    control::LineReader reader_;
    std::thread thread_;
};

std::string ok(std::uint32_t n) { return "OK " + std::to_string(n) + "\n"; }

/// One that hides as the text after "HIDDEN n" says; empty: nothing.
Guest::Answers hides(const std::string& what) {
    return [what](const FromDaemon& message) {
        if (const auto* ping = std::get_if<control::Ping>(&message)) return ok(ping->n);
        const auto* ask = std::get_if<control::AskShadows>(&message);
        if (ask == nullptr) return std::string();
        const auto n = std::to_string(ask->n);
        return (what.empty() ? "" : "HIDDEN " + n + " " + what + "\n") + ok(ask->n);
    };
}

Questions::Paths paths(std::size_t count, const std::string& tail = "") {
    auto result = std::make_shared<std::vector<PathChange>>();
    for (std::size_t i = 0; i < count; ++i) result->push_back({"/etc/" + std::to_string(i) + tail, {}, {}});
    return result;
}

struct QuestionsTest : testing::Test {
    UniqueFd attach(GuestId id) {
        std::array<int, 2> pair{-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
        sessions.attach(id, UniqueFd(pair[0]));
        return UniqueFd(pair[1]);
    }
    Questions::Answer ask(const Guest::Answers& answers, std::size_t count = 3, Duration wait = patience) {
        const Guest guest(attach(1), answers);
        return questions.shadows({{1, paths(count)}}, wait).at(1);
    }

    Questions questions{sessions};
    control::Sessions sessions{
        {.said = [this](GuestId id, const control::FromGuest& message) { questions.heard(id, message); },
         .closed = [](GuestId) {}}};
};

TEST_F(QuestionsTest, a_guest_tells_which_of_the_paths_it_hides) {
    const auto answer = ask(hides("2 deleted 0 edited"));
    EXPECT_EQ(answer.trouble, "");
    EXPECT_THAT(answer.shadows, ElementsAre(Shadow{"/etc/0", Hiding::edited}, Shadow{"/etc/2", Hiding::deleted}));
    EXPECT_THAT(ask(hides("")).shadows, IsEmpty());
}

TEST_F(QuestionsTest, a_guest_that_answers_what_it_was_not_asked_has_told_nothing) {
    for (const auto* lie : {"3 edited", "0 edited 0 copy", "4294967295 edited"}) {
        const auto answer = ask(hides(lie));
        EXPECT_THAT(answer.shadows, IsEmpty()) << lie;
        EXPECT_THAT(answer.trouble, HasSubstr("not asked")) << lie;
    }
    EXPECT_THAT(ask(hides(""), 3).trouble, "");
}

TEST_F(QuestionsTest, words_about_another_request_and_bad_ones_are_no_answer) {
    const auto answer = ask([](const FromDaemon& message) {
        if (const auto* ping = std::get_if<control::Ping>(&message)) return ok(ping->n);
        const auto* ask = std::get_if<control::AskShadows>(&message);
        if (ask == nullptr) return std::string();
        const auto n = std::to_string(ask->n), other = std::to_string(ask->n + 1000);
        return "HIDDEN " + other + " 0 edited\n" + ok(ask->n + 1000) + "HIDDEN " + n + " 1 nonsense\nHIDDEN " + n +
               " 2 copy\n" + ok(ask->n);
    });
    EXPECT_THAT(answer.shadows, ElementsAre(Shadow{"/etc/2", Hiding::copy}));
}

TEST_F(QuestionsTest, who_is_silent_too_old_refuses_or_is_not_there_is_told_apart) {
    EXPECT_EQ(ask([](const FromDaemon&) { return std::string(); }, 3, short_patience).trouble, "did not answer");
    const auto old = [](const FromDaemon& message) {
        const auto* ping = std::get_if<control::Ping>(&message);
        return ping != nullptr ? ok(ping->n) : "";
    };
    EXPECT_THAT(ask(old).trouble, HasSubstr("too old"));
    const auto refuses = [&](const FromDaemon& message) {
        const auto* ask = std::get_if<control::AskShadows>(&message);
        return ask != nullptr ? "ERR " + std::to_string(ask->n) + " no\n" : old(message);
    };
    EXPECT_EQ(ask(refuses).trouble, "could not tell: no");
    EXPECT_EQ(questions.shadows({{9, paths(1)}}, patience).at(9).trouble, "does not listen");
}

TEST_F(QuestionsTest, many_paths_go_in_pieces) {
    std::vector<std::string> heard;
    const auto answer = [&] {
        const Guest guest(attach(1), [&](const FromDaemon& message) {
            if (const auto* path = std::get_if<control::Path>(&message)) heard.push_back(path->change.path);
            const auto* ask = std::get_if<control::AskShadows>(&message);
            EXPECT_TRUE(ask == nullptr || ask->count == heard.size());
            return hides("4095 opaque")(message);
        });
        return questions.shadows({{1, paths(most_questions, std::string(100, 'x'))}}, patience).at(1);
    }();
    EXPECT_EQ(heard.size(), most_questions);
    EXPECT_THAT(answer.shadows, ElementsAre(Shadow{heard.back(), Hiding::opaque}));
}

TEST_F(QuestionsTest, a_silent_guest_hinders_no_other_and_may_be_asked_again) {
    const Guest silent(attach(1), [](const FromDaemon&) { return std::string(); });
    const Guest honest(attach(2), hides("0 edited"));
    const auto answers = questions.shadows({{1, paths(1)}, {2, paths(1)}}, short_patience);
    EXPECT_EQ(answers.at(1).trouble, "did not answer");
    EXPECT_THAT(answers.at(2).shadows, ElementsAre(Shadow{"/etc/0", Hiding::edited}));
    EXPECT_EQ(ask(hides("")).trouble, "");
}

TEST_F(QuestionsTest, two_who_ask_the_same_guest_take_turns) {
    const Guest guest(attach(1), hides("0 edited"));
    std::vector<Questions::Answer> answers(8);
    std::vector<std::thread> askers;
    for (auto& answer : answers)
        askers.emplace_back([&] { answer = questions.shadows({{1, paths(2)}}, patience).at(1); });
    for (auto& asker : askers) asker.join();
    for (const auto& answer : answers) EXPECT_THAT(answer.shadows, ElementsAre(Shadow{"/etc/0", Hiding::edited}));
}

}  // namespace
}  // namespace drover
