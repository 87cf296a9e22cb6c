#include "guest/keys.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "control/fields.hpp"

namespace drover::guest {
namespace {
const std::string seed = "0123456789abcdef0123456789abcdef";
/// As `ssh-keygen -y` and `dropbearkey -y` print it for the files made of this seed, without what stands before it.
const std::string public_key = "I7xUkSwebpLEqGglyGfif/3FVb/71CRPF6Jqv//ull0=";
}  // namespace

TEST(HostKey, its_public_part_is_found_in_both_formats) {
    for (const auto format : {KeyFormat::dropbear, KeyFormat::openssh}) {
        const auto found = public_key_in(format, private_key_file(format, seed));
        ASSERT_TRUE(found);
        EXPECT_EQ(control::to_base64(*found), public_key);
    }
}

TEST(HostKey, the_openssh_file_has_the_form_that_ssh_keygen_writes) {
    const auto file = private_key_file(KeyFormat::openssh, seed);
    EXPECT_TRUE(file.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ"));
    EXPECT_TRUE(file.ends_with("\n-----END OPENSSH PRIVATE KEY-----\n"));
}

TEST(HostKey, the_dropbear_file_is_the_type_and_the_64_bytes) {
    const auto file = private_key_file(KeyFormat::dropbear, seed);
    EXPECT_EQ(file.substr(0, 51), std::string("\0\0\0\x0bssh-ed25519\0\0\0\x40", 19) + seed);
    EXPECT_EQ(file.size(), 83U);
}

TEST(HostKey, one_format_is_not_taken_for_the_other) {
    EXPECT_FALSE(public_key_in(KeyFormat::dropbear, private_key_file(KeyFormat::openssh, seed)));
    EXPECT_FALSE(public_key_in(KeyFormat::openssh, private_key_file(KeyFormat::dropbear, seed)));
}

RC_GTEST_PROP(HostKey, a_file_cut_short_has_no_key, ()) {
    for (const auto format : {KeyFormat::dropbear, KeyFormat::openssh}) {
        const auto file = private_key_file(format, seed);
        RC_ASSERT(!public_key_in(format, file.substr(0, *rc::gen::inRange<std::size_t>(0, file.size()))));
    }
}

TEST(HostKey, a_file_of_nothing_but_padding_has_no_key) {
    EXPECT_EQ(public_key_in(KeyFormat::openssh,
                            "-----BEGIN OPENSSH PRIVATE KEY-----\n=\n-----END OPENSSH PRIVATE KEY-----\n"),
              std::nullopt);
}

RC_GTEST_PROP(HostKey, any_bytes_are_a_key_or_nothing, (const std::string& bytes)) {
    public_key_in(KeyFormat::dropbear, bytes);
    public_key_in(KeyFormat::openssh, bytes);
    public_key_in(KeyFormat::openssh,
                  "-----BEGIN OPENSSH PRIVATE KEY-----\n" + bytes + "-----END OPENSSH PRIVATE KEY-----\n");
}

}  // namespace drover::guest
