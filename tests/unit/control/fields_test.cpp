#include "control/fields.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace drover::control {

TEST(CleanText, is_utf8_without_control_characters) {
    for (const char* text : {"", "a b~", "é", "\xe2\x82\xac", "\xf0\x9f\x90\x91", "\xc2\xa0", "\xf4\x8f\xbf\xbf"})
        EXPECT_TRUE(is_clean_text(text)) << text;
    for (const char* text : {"\t", "\n", "\x1b", "\x7f", "\xc2\x80", "\xc2\x9f", "\x80", "\xc3", "\xc3(", "\xc0\x80",
                             "\xe0\x80\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xe2\x82"})
        EXPECT_FALSE(is_clean_text(text)) << text;
    EXPECT_FALSE(is_clean_text(std::string_view("a\0b", 3)));
}

RC_GTEST_PROP(Base64, round_trip, (const std::string& bytes)) {
    RC_ASSERT(from_base64(to_base64(bytes), bytes.size()) == bytes);
}

TEST(Base64, only_the_one_way_to_write_it) {
    EXPECT_EQ(to_base64("ab"), "YWI=");
    for (const char* text : {"YWI", "YWJ=", "YWI= ", " YWI=", "YWI==", "YW I=", "YWI=\n", "YWJj", "", "Y-I="})
        EXPECT_FALSE(from_base64(text, 2)) << text;
}

TEST(Sha256, of_the_standard_example) {
    EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(InterfaceAddress, keeps_address_and_subnet) {
    const auto address = parse_interface_address("10.77.1.9/20");
    ASSERT_TRUE(address);
    EXPECT_EQ(to_text(address->address), "10.77.1.9");
    EXPECT_EQ(to_text(address->subnet), "10.77.0.0/20");
    for (const char* text : {"", "/20", "10.77.0.9", "10.77.0.9/", "10.77.0.9/7", "10.77.0.9/30", "10.77.0.9/020",
                             "10.77.0.9/20/20", "10.77.0.9/20 ", "fd00::1/64"})
        EXPECT_FALSE(parse_interface_address(text)) << text;
}

}  // namespace drover::control
