// The lines about forks.
#include <gtest/gtest.h>

#include "control/codec.hpp"
#include "control/fields.hpp"
#include "model/error.hpp"

namespace drover::control {
namespace {

const std::string seed = to_base64(std::string(renewal_seed_bytes, 's'));
const std::string boot = "0123456789abcdef0123456789abcdef";
const std::string mac = "52:54:00:00:00:2a";

TEST(RenewalLines, are_read_as_they_were_written) {
    const Renew renew{7, seed, boot, mac, 1'700'000'000'000};
    const auto line = "RENEW 7 " + seed + " " + boot + " " + mac + " 1700000000000";
    EXPECT_EQ(encode(FromDaemon(renew)), line + "\n");
    EXPECT_EQ(decode_from_daemon(line), FromDaemon(renew));
    EXPECT_EQ(encode(FromGuest(Forkable{})), "FORKABLE\n");
    EXPECT_EQ(decode_from_guest("FORKABLE"), FromGuest(Forkable{}));
}

TEST(RenewalLines, that_are_not_exactly_right_are_none) {
    const auto line = [](const std::string& s, const std::string& b, const std::string& m, const std::string& time) {
        return "RENEW 7 " + s + " " + b + " " + m + " " + time;
    };
    ASSERT_TRUE(decode_from_daemon(line(seed, boot, mac, "0")));
    for (const auto& wrong : {line(to_base64(std::string(63, 's')), boot, mac, "0"),
                              line(to_base64(std::string(65, 's')), boot, mac, "0"),
                              line(seed + "=", boot, mac, "0"),
                              line("-", boot, mac, "0"),
                              line(seed, boot + "0", mac, "0"),
                              line(seed, std::string(32, 'A'), mac, "0"),
                              line(seed, boot, "52:54:00:00:00:2A", "0"),
                              line(seed, boot, "52:54:00:00:00", "0"),
                              line(seed, boot, mac, "-1"),
                              line(seed, boot, mac, "01"),
                              line(seed, boot, mac, "+1"),
                              line(seed, boot, mac, "1e3"),
                              line(seed, boot, mac, "253402300800000"),
                              line(seed, boot, mac, "99999999999999999999"),
                              line(seed, boot, mac, "0 "),
                              line(seed, boot, mac, "0 1"),
                              line(seed, boot, mac, ""),
                              std::string("RENEW 7"),
                              std::string("RENEW"),
                              "RENEW x " + seed + " " + boot + " " + mac + " 0"})
        EXPECT_FALSE(decode_from_daemon(wrong)) << wrong;
    for (const auto* wrong : {"FORKABLE ", "FORKABLE 1", " FORKABLE", "forkable", "FORKABLEX"})
        EXPECT_FALSE(decode_from_guest(wrong)) << wrong;
}

TEST(RenewalLines, a_seed_with_a_newline_is_not_written) {
    EXPECT_THROW(encode(FromDaemon(Renew{1, "a\nSTOP 1", boot, mac, 0})), Error);
}

}  // namespace
}  // namespace drover::control
