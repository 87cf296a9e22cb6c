#include "guest/settings.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include "model/error.hpp"

namespace drover::guest {

TEST(Settings, of_the_image_tiny) {
    std::ifstream file(DROVER_SOURCE "/images/tiny/root/etc/drover/guest.conf");
    const auto settings = parse_settings(std::string(std::istreambuf_iterator<char>(file), {}));
    EXPECT_EQ(settings.host_key_format, KeyFormat::dropbear);
    EXPECT_EQ(settings.host_key, "/etc/dropbear/dropbear_ed25519_host_key");
    EXPECT_EQ(settings.started, "/etc/drover/started");
    EXPECT_EQ(settings.settled, "/etc/drover/settled");
    EXPECT_EQ(settings.power_off_signal, SIGUSR2);
}

TEST(Settings, of_the_image_debian) {
    std::ifstream file(DROVER_SOURCE "/images/debian/root/etc/drover/guest.conf");
    const auto settings = parse_settings(std::string(std::istreambuf_iterator<char>(file), {}));
    EXPECT_EQ(settings.first_page,
              (FirstPage{"/usr/share/drover/first-page.html", "/usr/local/httpd/htdocs/index.html"}));
    EXPECT_EQ(settings.settled, "/usr/libexec/drover/settled");
    EXPECT_EQ(settings.started, "") << "no program on the way to READY";
}

TEST(Settings, of_forks) {
    const auto settings = parse_settings("power_off_signal SIGUSR2\nsettled /a\nrenew /b\nrenew /c\n");
    EXPECT_EQ(settings.settled, "/a");
    EXPECT_EQ(settings.renew, (std::vector<std::string>{"/b", "/c"}));
}

TEST(Settings, of_cloud_images) {
    std::ifstream file(DROVER_SOURCE "/images/cloud-seed/guest.conf");
    const auto settings = parse_settings(std::string(std::istreambuf_iterator<char>(file), {}));
    EXPECT_TRUE(settings.by_cloud_init);
    EXPECT_EQ(settings.host_key, "/etc/ssh/ssh_host_ed25519_key");
    EXPECT_FALSE(parse_settings("identity_by drover\npower_off_signal SIGUSR2\n").by_cloud_init);
}

TEST(Settings, say_only_what_differs_from_an_ordinary_image) {
    const auto settings = parse_settings("# systemd\n\npower_off_signal SIGRTMIN+4\n");
    EXPECT_EQ(settings.host_key_format, KeyFormat::openssh);
    EXPECT_EQ(settings.host_key, "/etc/ssh/ssh_host_ed25519_key");
    EXPECT_EQ(settings.authorized_keys, "/root/.ssh/authorized_keys");
    EXPECT_EQ(settings.started, "");
    EXPECT_EQ(settings.power_off_signal, SIGRTMIN + 4);
}

TEST(Settings, name_the_line_that_is_wrong) {
    const std::string good = "power_off_signal SIGUSR2\n";
    EXPECT_THROW(parse_settings(""), Error);
    for (const char* line :
         {"power_off_signal SIGUSR2", "power_off_signal 12", "host_key relative", "host_key", "host_key_format rsa",
          "identity_by dhcp", "shell /bin/sh", "started /a\nstarted /b", "settled /a\nsettled /b", "settled a",
          "renew b", "first_page /a", "first_page /a b", "first_page a /b"}) {
        try {
            parse_settings(good + line + "\n");
            FAIL() << line;
        } catch (const Error& error) {
            EXPECT_TRUE(std::string(error.what()).starts_with("guest.conf: '")) << error.what();
        }
    }
}

}  // namespace drover::guest
