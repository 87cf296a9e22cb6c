// The lines about services and passwords.
#include <gtest/gtest.h>

#include "control/codec.hpp"

namespace drover::control {
namespace {

using namespace std::string_literals;

const std::string hash = "$6$salt$" + std::string(86, 'x');

TEST(ServiceLines, are_read_as_they_were_written) {
    for (const auto& line : {"SERVICE 7 web START"s, "SERVICE 0 apache2 STOP"s, "SERVICE 4294967295 a RESTART"s,
                             "SERVICE 8 a-b STATUS"s, "PASSWORD 9 root " + hash, "PASSWORD 9 www-data " + hash}) {
        const auto message = decode_from_daemon(line);
        ASSERT_TRUE(message) << line;
        EXPECT_EQ(encode(*message), line + "\n");
    }
    for (const auto* line : {"SERVICE web up", "SERVICE web down", "SERVICE apache2 failed", "SERVICE a absent"}) {
        const auto message = decode_from_guest(line);
        ASSERT_TRUE(message) << line;
        EXPECT_EQ(encode(*message), std::string(line) + "\n");
    }
}

TEST(ServiceLines, that_are_not_exactly_right_are_none) {
    for (const std::string& line : std::vector<std::string>{"SERVICE 7 web"s,
                                                            "SERVICE 7 web start"s,
                                                            "SERVICE 7 web KILL"s,
                                                            "SERVICE 7 web START "s,
                                                            "SERVICE 7 web START now"s,
                                                            "SERVICE 7 Web START"s,
                                                            "SERVICE 7 web;reboot START"s,
                                                            "SERVICE 7 ../web START"s,
                                                            "SERVICE 7 /bin/sh START"s,
                                                            "SERVICE 7 -web START"s,
                                                            "SERVICE 7 web- START"s,
                                                            "SERVICE -1 web START"s,
                                                            "SERVICE web START"s,
                                                            "SERVICE 7 " + std::string(32, 'a') + " START",
                                                            "PASSWORD 9 " + hash,
                                                            "PASSWORD 9 root x"s,
                                                            "PASSWORD 9 Root " + hash,
                                                            "PASSWORD 9 ro:ot " + hash,
                                                            "PASSWORD 9 root " + hash + ":",
                                                            "PASSWORD root " + hash})
        EXPECT_FALSE(decode_from_daemon(line)) << line;
    for (const auto* line : {"SERVICE web", "SERVICE web unknown", "SERVICE web UP", "SERVICE web up ", "SERVICE  up",
                             "SERVICE web up down",
                             "SERVICE We\xc3\xb6"
                             "b up",
                             "SERVICE web;x up", "SERVICE 7 web START"})
        EXPECT_FALSE(decode_from_guest(line)) << line;
}

}  // namespace
}  // namespace drover::control
