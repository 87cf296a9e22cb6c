#include "model/wave_policy.hpp"

#include <gtest/gtest.h>

#include "model/error.hpp"

namespace drover {
namespace {

using namespace std::chrono_literals;

TEST(WavePolicy, ReadsTheClassicStaircase) {
    const WavePolicy policy = parse_wave_policy("15/30s");
    EXPECT_EQ(policy.size, 15);
    EXPECT_EQ(policy.interval, 30s);
    EXPECT_FALSE(policy.adaptive);
    EXPECT_EQ(policy.brakes, Brakes{});
}

TEST(WavePolicy, AdaptiveIsTheDefaultAndBringsItsBrakes) {
    EXPECT_EQ(parse_wave_policy("adaptive"), WavePolicy{});
    EXPECT_TRUE(WavePolicy{}.brakes.memory_full);
    const WavePolicy policy = parse_wave_policy("adaptive,io_full=50%,in_flight=8");
    EXPECT_EQ(policy.brakes.io_full, 50);
    EXPECT_EQ(policy.brakes.memory_full, WavePolicy{}.brakes.memory_full);
    EXPECT_EQ(policy.in_flight, 8);
}

TEST(WavePolicy, ReadsWhatItWrites) {
    for (const auto* text :
         {"adaptive", "15/30s", "in_flight=8", "adaptive,15/30s,in_flight=8,per_host=4,jitter=2s",
          "per_host=3,memory_some=1%,memory_full=2%,io_some=3%,io_full=100%,free_memory=1GiB",
          "free_disk=1536MiB,stop_on=20%/10", "adaptive,free_memory=5KiB,free_disk=7", "jitter=1h"}) {
        EXPECT_EQ(to_text(parse_wave_policy(text)), text);
        EXPECT_EQ(parse_wave_policy(to_text(parse_wave_policy(text))), parse_wave_policy(text));
    }
}

TEST(WavePolicy, NamesTheWordAtFault) {
    for (const auto* text : {"",
                             ",",
                             "fast",
                             "15",
                             "15/",
                             "/30s",
                             "0/30s",
                             "15/0",
                             "15/30",
                             "15/30s/2",
                             "15/30s,20/30s",
                             "in_flight",
                             "in_flight=0",
                             "in_flight=-1",
                             "in_flight=8x",
                             "in_flight=100001",
                             "per_host=",
                             "jitter=25h",
                             "io_full=50",
                             "io_full=101%",
                             "free_disk=much",
                             "stop_on=20%",
                             "stop_on=20%/0",
                             "stop_on=10/20%",
                             "adaptive,adaptive",
                             "in_flight=1,in_flight=1",
                             "10/5s,jitter=6s",
                             "adaptive,,in_flight=1",
                             "jitter=0",
                             "adaptive=1"}) {
        try {
            parse_wave_policy(text);
            ADD_FAILURE() << "'" << text << "' is taken";
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::usage);
            EXPECT_NE(std::string(error.what()).find('\''), std::string::npos) << error.what();
        }
    }
}

}  // namespace
}  // namespace drover
