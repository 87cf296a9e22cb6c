#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "stand_in.hpp"

namespace drover::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

/// An operation on two guests that is finished after some looks at it.
class WaitTest : public testing::Test {
  protected:
    static wire::Json item(const std::string& name, const std::string& outcome, const std::string& reason = "") {
        return {{"name", name}, {"outcome", outcome}, {"phase", "ready"}, {"reason", reason}};
    }

    [[nodiscard]] wire::Json operation(int done) const {
        const bool ended = done == 2;
        return {{"id", "o-13"},
                {"who", "root"},
                {"verb", "stop"},
                {"arguments", wire::Json::object()},
                {"created", "2026-11-21T12:00:00Z"},
                {"finished", ended ? wire::Json("2026-11-21T12:00:05Z") : wire::Json(nullptr)},
                {"outcome", ended ? final_outcome_ : "running"},
                {"done", done},
                {"total", 2},
                {"message", nullptr},
                {"items",
                 {item("alice-1", done > 0 ? "done" : "pending"),
                  item("alice-2", ended ? last_item_ : "pending", ended && last_item_ == "failed" ? "no disk" : "")}}};
    }

    Answer answer(const Heard& heard) {
        if (heard.target == "/v1/guests") {
            return json({{"operation", "o-13"},
                         {"created", {"alice-1", "alice-2"}},
                         {"existing", {"alice-0"}},
                         {"outcome", "running"}},
                        202);
        }
        if (heard.method == "POST") return json(operation(0), 202);
        const int look = looks_++;
        return at_look_ ? at_look_(look) : json(operation(std::min(look + 1, 2)));
    }

    Outcome run_line(std::vector<std::string> arguments, const Look& look = {}) {
        arguments.insert(arguments.end(), {"--socket", folder_.file("s")});
        return drover(arguments, look);
    }

    Folder folder_;
    std::string final_outcome_ = "done", last_item_ = "done";
    std::atomic<int> looks_ = 0;
    std::function<Answer(int)> at_look_;
    StandIn daemon_{folder_.file("s"), [this](const Heard& heard) { return answer(heard); }};
};

TEST_F(WaitTest, AMassVerbEndsWithTheOperation) {
    const auto outcome = run_line({"stop", "alice-*", "--json"});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_THAT(outcome.err, IsEmpty());
    EXPECT_EQ(wire::dump(outcome.json()),
              R"({"operation":"o-13","items":[{"name":"alice-1","outcome":"done","phase":"ready","reason":null},)"
              R"({"name":"alice-2","outcome":"done","phase":"ready","reason":null}],"outcome":"done"})");
}

TEST_F(WaitTest, AFailedItemIsOne) {
    final_outcome_ = "partial";
    last_item_ = "failed";
    const auto for_programs = run_line({"stop", "alice-*", "--json"});
    EXPECT_EQ(for_programs.code, 1);
    EXPECT_EQ(for_programs.json()["items"][1]["reason"], "no disk");
    looks_ = 0;
    const auto for_people = run_line({"stop", "alice-*"});
    EXPECT_EQ(for_people.code, 1);
    EXPECT_EQ(for_people.out, "o-13 stop partial: 1 of 2 guests\n  alice-2 failed (ready): no disk\n");
}

TEST_F(WaitTest, UnchangedIsWell) {
    last_item_ = "unchanged";
    EXPECT_EQ(run_line({"stop", "alice-*"}).code, 0);
}

TEST_F(WaitTest, ARequestSaysHowItEnded) {
    const auto well = run_line({"request", "--count", "3", "--json"});
    EXPECT_EQ(well.code, 0);
    EXPECT_EQ(wire::dump(well.json()),
              R"({"operation":"o-13","created":["alice-1","alice-2"],"existing":["alice-0"],"outcome":"done"})");
    looks_ = 0;
    final_outcome_ = "partial";
    last_item_ = "failed";
    const auto badly = run_line({"request", "--count", "3"});
    EXPECT_EQ(badly.code, 1);
    EXPECT_THAT(badly.out, HasSubstr("o-13 partial: 2 guests: alice-1, alice-2"));
    EXPECT_THAT(badly.err, HasSubstr("alice-2 failed: no disk"));
}

TEST_F(WaitTest, NoWaitLeavesAtOnce) {
    const auto outcome = run_line({"stop", "alice-*", "--no-wait"});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_THAT(outcome.out, HasSubstr("o-13"));
    EXPECT_EQ(run_line({"stop", "--all", "--no-wait", "--json"}).json()["outcome"], "running");
    EXPECT_EQ(looks_, 0);
}

TEST_F(WaitTest, WhenTheTimeIsUpTheWorkGoesOn) {
    at_look_ = [this](int) { return json(operation(1)); };
    const auto for_people = run_line({"stop", "alice-*", "--timeout", "1ms"});
    EXPECT_EQ(for_people.code, 7);
    EXPECT_THAT(for_people.err, HasSubstr("o-13: not done after 1ms; the work goes on"));
    EXPECT_THAT(for_people.err, HasSubstr("drover operations o-13"));
    const auto for_programs = run_line({"request", "--count", "3", "--timeout", "1ms", "--json"});
    EXPECT_EQ(for_programs.code, 7);
    EXPECT_THAT(for_programs.out, IsEmpty());
    EXPECT_EQ(for_programs.error_kind(), "timed-out");
}

TEST_F(WaitTest, TimeoutZeroAsksTheDaemonToHoldTheAnswer) {
    EXPECT_EQ(run_line({"stop", "alice-*", "--timeout", "0", "--json"}).code, 0);
    const auto heard = daemon_.heard();
    EXPECT_EQ(heard.at(1).target, "/v1/operations/o-13?done=0&wait=30");
    EXPECT_EQ(heard.at(2).target, "/v1/operations/o-13?done=2&wait=30") << "who sees no progress asks for the end only";
}

TEST_F(WaitTest, CtrlCStopsTheWaitingNotTheWork) {
    at_look_ = [this](int) {
        ::kill(::getpid(), SIGINT);
        return Answer{0, ""};
    };
    for (const auto& verb : {std::vector<std::string>{"stop", "alice-*"}, {"request", "--count", "3"}}) {
        const auto outcome = run_line(verb);
        EXPECT_EQ(outcome.code, 130);
        EXPECT_THAT(outcome.out, IsEmpty());
        EXPECT_THAT(outcome.err, HasSubstr("o-13: no longer waiting; the work goes on"));
    }
}

TEST_F(WaitTest, ADaemonThatRestartsIsWaitedFor) {
    at_look_ = [this](int look) { return look < 2 ? Answer{0, ""} : json(operation(2)); };
    EXPECT_EQ(run_line({"stop", "alice-*"}).code, 0);
    EXPECT_EQ(looks_, 3);
}

TEST_F(WaitTest, AnOperationThatTheDaemonDoesNotKnowIsAnError) {
    at_look_ = [](int) { return error(Error(ErrorKind::not_found, "no operation 'o-13'")); };
    EXPECT_EQ(run_line({"stop", "alice-*"}).code, 3);
}

TEST_F(WaitTest, ProgressIsDrawnOnTerminalsOnlyAndWiped) {
    const Look terminal{"", false, true, false};
    const auto seen = run_line({"stop", "alice-*"}, terminal);
    EXPECT_THAT(seen.err, HasSubstr("o-13 [############............] 1/2"));
    EXPECT_THAT(seen.err, testing::EndsWith("\r\x1b[K"));
    EXPECT_THAT(seen.out, StartsWith("o-13 stop done: 2 of 2 guests"));
    looks_ = 0;
    EXPECT_THAT(run_line({"stop", "alice-*", "--json"}, terminal).err, IsEmpty());
    looks_ = 0;
    EXPECT_THAT(run_line({"stop", "alice-*"}).err, IsEmpty());
}

}  // namespace
}  // namespace drover::cli
