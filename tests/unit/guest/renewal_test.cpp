#include "guest/renewal.hpp"

#include <gtest/gtest.h>

#include "folder.hpp"

namespace drover::guest {
namespace {

TEST(Renewal, writes_an_id_as_the_kernel_does) {
    EXPECT_EQ(uuid_form("0123456789abcdef0123456789abcdef"), "01234567-89ab-cdef-0123-456789abcdef\n");
}

TEST(Renewal, a_template_forgets_what_its_boot_gave_it) {
    Folder root;
    write(root / "var/lib/dhcp/dhclient.eth0.leases", "lease");
    write(root / "var/lib/systemd/random-seed", "seed");
    write(root / "var/lib/systemd/kept", "kept");
    forget_template(root.path());
    forget_template(root.path());
    EXPECT_FALSE(std::filesystem::exists(root / "var/lib/dhcp/dhclient.eth0.leases"));
    EXPECT_FALSE(std::filesystem::exists(root / "var/lib/systemd/random-seed"));
    EXPECT_EQ(content_of(root / "var/lib/systemd/kept"), "kept");
}

TEST(Renewal, a_template_that_has_nothing_of_its_own_stays_as_it_is) {
    Folder root;
    forget_template(root.path());
    EXPECT_TRUE(std::filesystem::is_empty(root.path()));
}

}  // namespace
}  // namespace drover::guest
