#include "guest/services.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <csignal>
#include <map>

#include "folder.hpp"

namespace drover::guest {
namespace {

using std::chrono::milliseconds;

/// A guest with commands that note what they were told, and a manager of units that does the same.
struct ServicesTest : testing::Test {
    Folder folder;
    ServiceWays ways{.manager = folder / "systemctl",
                     .manager_runs = folder / "running",
                     .patience = milliseconds(60'000),
                     .activation = folder / "invocation:",
                     .group = folder / "group-"};

    std::string program(const std::string& name, const std::string& text) {
        write(folder / name, "#!/bin/sh\necho \"$@\" >>" + (folder / "told").string() + "\n" + text + "\n");
        std::filesystem::permissions(folder / name, std::filesystem::perms::owner_all);
        return folder / name;
    }
    static Service by_command(const std::string& name, const std::string& command, bool up = true) {
        return {.name = name, .up = up, .unit = {}, .command = command};
    }
    static Service by_unit(const std::string& name, bool up = true) {
        return {.name = name, .up = up, .unit = name + ".service", .command = {}};
    }
    /// What comes of an order, and of those before it.
    static std::string all_of(Services& services, const std::string& said_at_once) {
        std::string said = said_at_once;
        while (services.left()) {
            pollfd ended{services.watched(), POLLIN, 0};
            poll(&ended, 1, static_cast<int>(services.left()->count()));
            said += services.go_on();
        }
        return said;
    }
    static std::string told(Services& services, std::uint32_t n, const std::string& name, ServiceAct act) {
        return all_of(services, services.take({n, name, act}));
    }
    std::string told_programs() const { return content_of(folder / "told"); }
    std::ptrdiff_t times_asked() const {
        const auto lines = told_programs();
        return std::count(lines.begin(), lines.end(), '\n');
    }
};

TEST_F(ServicesTest, a_command_is_told_the_verb) {
    Services services({by_command("web", program("web", "exit 0"))}, ways);
    EXPECT_EQ(told(services, 1, "web", ServiceAct::start), "SERVICE web up\nOK 1\n");
    EXPECT_EQ(told(services, 2, "web", ServiceAct::restart), "SERVICE web up\nOK 2\n");
    EXPECT_EQ(told(services, 3, "web", ServiceAct::stop), "SERVICE web down\nOK 3\n");
    EXPECT_EQ(told(services, 4, "web", ServiceAct::status), "SERVICE web up\nOK 4\n");
    EXPECT_EQ(told_programs(), "start\nrestart\nstop\nstatus\n");
}

TEST_F(ServicesTest, a_unit_that_was_found_up_is_not_asked_again_until_its_activation_ends) {
    std::filesystem::create_directories(folder / "running");
    program("systemctl", "echo LoadState=loaded; echo ActiveState=active");
    Services services({by_unit("web")}, ways);
    const auto ask = [&] { return told(services, 1, "web", ServiceAct::status); };
    std::filesystem::create_symlink("first", folder / "invocation:web.service");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(), "SERVICE web up\nOK 1\n");
    EXPECT_EQ(times_asked(), 1);

    std::filesystem::remove(folder / "invocation:web.service");
    std::filesystem::create_symlink("second", folder / "invocation:web.service");
    ask();
    ask();
    EXPECT_EQ(times_asked(), 2) << "it was started again meanwhile";

    std::filesystem::remove(folder / "invocation:web.service");
    program("systemctl", "echo LoadState=loaded; echo ActiveState=failed");
    EXPECT_EQ(ask(), "SERVICE web failed\nOK 1\n");
    EXPECT_EQ(ask(), "SERVICE web failed\nOK 1\n");
    EXPECT_EQ(times_asked(), 4) << "one without an activation is asked each time";
}

TEST_F(ServicesTest, a_unit_without_an_id_is_known_by_its_control_group) {
    std::filesystem::create_directories(folder / "running");
    program("systemctl", "echo LoadState=loaded; echo ActiveState=active");
    Services services({by_unit("web")}, ways);
    std::filesystem::create_directory(folder / "group-web.service");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(told(services, 1, "web", ServiceAct::status), "SERVICE web up\nOK 1\n");
    EXPECT_EQ(times_asked(), 1);

    std::filesystem::remove(folder / "group-web.service");
    program("systemctl", "echo LoadState=loaded; echo ActiveState=inactive");
    EXPECT_EQ(told(services, 1, "web", ServiceAct::status), "SERVICE web down\nOK 1\n");
}

TEST_F(ServicesTest, a_command_says_by_its_end_how_the_service_is) {
    for (const auto& [code, state] :
         std::map<std::string, std::string>{{"0", "up"}, {"1", "failed"}, {"3", "down"}, {"4", "failed"}}) {
        Services services({by_command("web", program("web", "exit " + code))}, ways);
        EXPECT_EQ(told(services, 1, "web", ServiceAct::status), "SERVICE web " + state + "\nOK 1\n");
    }
}

TEST_F(ServicesTest, what_fails_is_asked_how_it_is) {
    Services services({by_command("web", program("web", "[ $1 = status ] && exit 3\nexit 9"))}, ways);
    EXPECT_EQ(told(services, 5, "web", ServiceAct::restart),
              "SERVICE web down\nERR 5 web: restart ended with status 9\n");
}

TEST_F(ServicesTest, orders_are_done_one_after_another) {
    Services services({by_command("a", program("a", "echo end a >>" + (folder / "told").string())),
                       by_command("b", program("b", "exit 0"))},
                      ways);
    EXPECT_EQ(services.take({1, "a", ServiceAct::start}), "");
    EXPECT_EQ(all_of(services, services.take({2, "b", ServiceAct::stop})),
              "SERVICE a up\nOK 1\nSERVICE b down\nOK 2\n");
    EXPECT_EQ(told_programs(), "start\nend a\nstop\n");
}

TEST_F(ServicesTest, what_is_not_declared_is_refused_and_what_is_not_there_is_absent) {
    Services services({by_command("gone", folder / "nothing"), by_unit("unit")}, ways);
    EXPECT_EQ(services.take({1, "reboot", ServiceAct::start}), "ERR 1 reboot: no service of this guest\n");
    EXPECT_EQ(services.take({2, "gone", ServiceAct::start}),
              "SERVICE gone absent\nERR 2 gone: this guest has no such service\n");
    EXPECT_EQ(services.take({3, "gone", ServiceAct::stop}), "SERVICE gone absent\nOK 3\n");
    EXPECT_EQ(services.take({4, "gone", ServiceAct::status}), "SERVICE gone absent\nOK 4\n");
    EXPECT_EQ(services.take({5, "unit", ServiceAct::status}), "SERVICE unit absent\nOK 5\n") << "no systemd runs";
}

TEST_F(ServicesTest, a_unit_is_reached_by_the_manager_of_units) {
    write(folder / "running", "");
    program("systemctl", "case $* in show*) echo LoadState=loaded; echo ActiveState=active ;; esac");
    Services services({by_unit("apache2")}, ways);
    EXPECT_EQ(told(services, 1, "apache2", ServiceAct::restart), "SERVICE apache2 up\nOK 1\n");
    EXPECT_EQ(told(services, 2, "apache2", ServiceAct::status), "SERVICE apache2 up\nOK 2\n");
    EXPECT_EQ(
        told_programs(),
        "restart --no-ask-password -- apache2.service\nshow --property=LoadState,ActiveState -- apache2.service\n");
}

TEST_F(ServicesTest, the_manager_of_units_tells_states_in_words) {
    write(folder / "running", "");
    const std::map<std::string, std::string> words{{"loaded active", "up"},          {"loaded reloading", "up"},
                                                   {"loaded inactive", "down"},      {"loaded failed", "failed"},
                                                   {"not-found inactive", "absent"}, {"masked inactive", "absent"},
                                                   {"loaded activating", "down"}};
    for (const auto& [told_states, state] : words) {
        program("systemctl", "set -- " + told_states + "; echo LoadState=$1; echo ActiveState=$2");
        Services services({by_unit("x")}, ways);
        EXPECT_EQ(told(services, 1, "x", ServiceAct::status), "SERVICE x " + state + "\nOK 1\n") << told_states;
    }
    program("systemctl", "exit 5");
    Services services({by_unit("x")}, ways);
    EXPECT_EQ(told(services, 1, "x", ServiceAct::start), "SERVICE x absent\nERR 1 x: this guest has no such service\n");
    EXPECT_EQ(told(services, 2, "x", ServiceAct::stop), "SERVICE x absent\nOK 2\n");
}

TEST_F(ServicesTest, where_systemd_runs_not_the_command_does) {
    const Service either{.name = "ssh", .unit = "ssh.socket", .command = program("rc", "exit 0")};
    Services without({either}, ways);
    EXPECT_EQ(told(without, 1, "ssh", ServiceAct::start), "SERVICE ssh up\nOK 1\n");
    EXPECT_EQ(told_programs(), "start\n");
}

TEST_F(ServicesTest, a_program_that_hangs_is_ended_and_so_are_its_children) {
    ways.patience = milliseconds(300);
    Services services({by_command("web", program("web", "[ $1 = status ] && exit 3\nsleep 1000 & sleep 1000"))}, ways);
    EXPECT_EQ(told(services, 1, "web", ServiceAct::start), "SERVICE web down\nERR 1 web: start did not end in time\n");
}

TEST_F(ServicesTest, a_program_that_leaves_somebody_behind_has_ended) {
    Services services({by_command("web", program("web", "sleep 1000 &\necho $! >" + (folder / "pid").string()))}, ways);
    EXPECT_EQ(told(services, 1, "web", ServiceAct::status), "SERVICE web up\nOK 1\n");
    kill(std::stoi(content_of(folder / "pid")), SIGKILL);
}

TEST_F(ServicesTest, no_more_orders_wait_than_may) {
    Services services({by_command("web", program("web", "sleep 0.2"))}, ways);
    std::string said;
    for (std::uint32_t n = 1; n <= 17; ++n) said += services.take({n, "web", ServiceAct::status});
    EXPECT_EQ(said, "ERR 17 web: too many orders wait\n");
}

TEST_F(ServicesTest, a_template_is_brought_to_what_its_profile_wants) {
    Services services({by_command("a", program("a", "exit 0")), by_command("b", program("b", "exit 0"), false),
                       by_command("c", folder / "nothing"), by_command("d", program("d", "exit 1"))},
                      ways);
    EXPECT_TRUE(services.known().empty());
    services.settle();
    const std::vector<control::ServiceState> expected{{"a", ServiceStatus::up},
                                                      {"b", ServiceStatus::down},
                                                      {"c", ServiceStatus::absent},
                                                      {"d", ServiceStatus::failed}};
    EXPECT_EQ(services.known(), expected);
    EXPECT_EQ(told_programs(), "start\nstop\nstart\nstatus\n");
    told(services, 1, "a", ServiceAct::stop);
    EXPECT_EQ(services.known(), expected) << "what forks begin with";
}

}  // namespace
}  // namespace drover::guest
