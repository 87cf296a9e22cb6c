#include "process/process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <thread>

#include "model/error.hpp"
#include "model/unique_fd.hpp"

namespace drover {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

Command shell(const std::string& script) { return {.argv = {"sh", "-c", script}}; }

bool no_child_is_left() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

/// A pipe whose reading end says when the last process that holds the writing end is gone.
struct Lifeline {
    UniqueFd reader, writer;
    std::string path;  ///< of the writing end, for a child to open

    Lifeline() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) ADD_FAILURE();
        reader = UniqueFd(ends[0]);
        writer = UniqueFd(ends[1]);
        path = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(writer.get());
    }
    void wait_for_the_end() {
        writer = UniqueFd();
        char c;
        while (::read(reader.get(), &c, 1) > 0) {
        }
    }
};

TEST(Run, ReturnsOutputErrorsAndStatus) {
    const auto outcome = run(shell("echo out; echo err >&2; exit 3"));
    EXPECT_EQ(outcome.status, 3);
    EXPECT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.output, "out\n");
    EXPECT_EQ(outcome.errors, "err\n");
}

TEST(Run, ASignalIs128AndMore) { EXPECT_EQ(run(shell("kill -TERM $$")).status, 128 + SIGTERM); }

TEST(Run, NoShellTouchesTheArguments) {
    EXPECT_EQ(run({.argv = {"printf", "%s|", "a b", "$HOME", "*", ""}}).output, "a b|$HOME|*||");
}

TEST(Run, TheEnvironmentIsExactlyWhatIsGiven) {
    ::setenv("DROVER_LEAK", "1", 1);
    Command command{.argv = {"env"}};
    command.environment = {"A=1"};
    EXPECT_EQ(run(command).output, "A=1\n");
}

TEST(Run, StartsInTheGivenFolder) {
    Command command{.argv = {"pwd"}};
    EXPECT_EQ(run(command).output, "/\n");
    command.folder = "/proc";
    EXPECT_EQ(run(command).output, "/proc\n");
}

TEST(Run, FeedsMoreInputThanAPipeHoldsToAProgramThatAnswersMeanwhile) {
    Command command{.argv = {"cat"}};
    command.input.assign(3'000'000, 'x');
    command.output_limit = 4'000'000;
    EXPECT_EQ(run(command).output, command.input);
}

TEST(Run, InputThatNobodyReadsIsNoHarm) {
    Command command{.argv = {"true"}};
    command.input.assign(3'000'000, 'x');
    EXPECT_TRUE(run(command).ok());
}

TEST(Run, WithoutInputStandardInputIsAtItsEnd) { EXPECT_EQ(run({.argv = {"cat"}}).output, ""); }

TEST(Run, KeepsTheLastBytesOfMuchOutput) {
    auto command = shell("seq 1 200000; seq 1 200000 >&2");
    command.output_limit = 14;
    const auto outcome = run(command);
    EXPECT_EQ(outcome.output, "199999\n200000\n");
    EXPECT_EQ(outcome.errors, "199999\n200000\n");
}

TEST(Run, TellsLinesOfErrorsAsTheyCome) {
    std::vector<std::string> lines;
    // The program goes on only after its first line was told: one that waited for the end would meet the deadline.
    const std::string file = testing::TempDir() + "drover_process_line";
    ::unlink(file.c_str());
    auto command = shell("echo one >&2; while [ ! -e '" + file + "' ]; do :; done; echo out; printf 'two\nthree' >&2");
    command.line = [&](const std::string& line) {
        lines.push_back(line);
        std::ofstream(file) << "go";
    };
    EXPECT_TRUE(run(command).ok());
    EXPECT_THAT(lines, ElementsAre("one", "two", "three"));
    ::unlink(file.c_str());
}

TEST(Run, CutsAnEndlessLine) {
    auto command = shell("head -c 10000 /dev/zero | tr '\\0' x >&2");
    std::vector<std::size_t> lengths;
    command.line = [&](const std::string& line) { lengths.push_back(line.size()); };
    EXPECT_TRUE(run(command).ok());
    EXPECT_THAT(lengths, ElementsAre(4096, 4096, 1808));
}

TEST(Run, AThrowingListenerEndsTheProgram) {
    Lifeline life;
    auto command = shell("exec 3>" + life.path + "; echo line >&2; sleep 1000");
    command.line = [](const std::string&) { throw Error(ErrorKind::interrupted, "enough"); };
    EXPECT_THROW(run(command), Error);
    EXPECT_TRUE(no_child_is_left());
    life.wait_for_the_end();
}

TEST(Run, TheDeadlineEndsTheWholeGroup) {
    Lifeline life;
    auto command = shell("exec 3>" + life.path + "; trap '' TERM; echo begun; sleep 1000 & sleep 1000");
    command.deadline = 300ms;
    const auto outcome = run(command);
    EXPECT_TRUE(outcome.timed_out);
    EXPECT_EQ(outcome.status, 128 + SIGKILL);
    EXPECT_TRUE(no_child_is_left());
    life.wait_for_the_end();
}

TEST(Run, EndsWithTheProgramWhateverItLeavesBehind) {
    Lifeline life;
    const auto outcome = run(shell("exec 3>" + life.path + "; sleep 1000 & echo done"));
    EXPECT_TRUE(outcome.ok());
    EXPECT_EQ(outcome.output, "done\n");
    life.wait_for_the_end();
}

TEST(Run, NoDescriptorOfOursReachesTheChild) {
    const UniqueFd leak(::open("/dev/null", O_RDONLY));  // on purpose without O_CLOEXEC
    // The fourth is the one that ls itself opens to list them.
    EXPECT_EQ(run({.argv = {"ls", "/proc/self/fd"}}).output, "0\n1\n2\n3\n");
}

TEST(Run, SignalsAreAsInAFreshProgram) {
    sigset_t blocked;
    sigset_t before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    auto* const pipe_handler = ::signal(SIGPIPE, SIG_IGN);
    // The low 31 signals; glibc has a use of its own for 32 and 33.
    const auto output =
        run({.argv = {"sed", "-n", R"(s/^Sig\(Blk\|Ign\):.*\(.\{8\}\)$/\1 \2/p)", "/proc/self/status"}}).output;
    ::signal(SIGPIPE, pipe_handler);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    EXPECT_THAT(output, testing::MatchesRegex("Blk [08]0000000\nIgn [08]0000000\n"));
}

TEST(Run, WhatCannotBeStartedIsNamedAndLeavesNothing) {
    const auto message = [](const Command& command) {
        try {
            run(command);
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::failed);
            return std::string(error.what());
        }
        return std::string("no error");
    };
    EXPECT_THAT(message({.argv = {"no-such-program"}}), HasSubstr("'no-such-program': not in /usr/sbin"));
    EXPECT_THAT(message({.argv = {"/etc/passwd"}}), HasSubstr("'/etc/passwd'"));
    EXPECT_THAT(message({.argv = {}}), HasSubstr("cannot run ''"));
    Command command{.argv = {"true"}};
    command.folder = "/no/such/folder";
    EXPECT_THAT(message(command), HasSubstr("/no/such/folder"));
    EXPECT_TRUE(no_child_is_left());
}

TEST(Run, ManyAtOnceDoNotHoldEachOther) {
    // Each thread's program ends at once, while others are being started and live on.
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([i] {
            for (int n = 0; n < 20; ++n) {
                const auto text = std::to_string(i * 100 + n);
                EXPECT_EQ(run({.argv = {"echo", text}}).output, text + "\n");
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_TRUE(no_child_is_left());
}

TEST(RunOrThrow, ReturnsTheOutput) { EXPECT_EQ(run_or_throw({.argv = {"echo", "hello"}}), "hello\n"); }

TEST(RunOrThrow, NamesProgramStatusAndItsLastWords) {
    try {
        run_or_throw(shell("echo first >&2; echo last words >&2; exit 7"));
        FAIL();
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "sh ended with status 7: last words");
    }
}

TEST(RunOrThrow, SaysThatItTookTooLong) {
    Command command{.argv = {"sleep", "1000"}};
    command.deadline = 10ms;
    try {
        run_or_throw(command);
        FAIL();
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "sleep did not end within 10ms");
    }
}

}  // namespace
}  // namespace drover
