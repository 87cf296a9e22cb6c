#include "model/service.hpp"

#include <gtest/gtest.h>

#include "model/password.hpp"

namespace drover {
namespace {

const Service web{.name = "web", .priority = 50, .up = true, .unit = {}, .command = "/etc/drover/services/web"};
const Service apache{.name = "apache2", .priority = 50, .up = false, .unit = "apache2.service", .command = {}};
const Service both{.name = "ssh", .priority = 50, .up = true, .unit = "ssh.socket", .command = "/etc/ssh.rc"};

TEST(Services, are_told_and_read_in_their_order) {
    const std::vector<Service> all{both, web, apache};
    EXPECT_EQ(service_parameter(all),
              "droverd.services=ssh:up:ssh.socket:/etc/ssh.rc,web:up:/etc/drover/services/web,"
              "apache2:down:apache2.service");
    EXPECT_EQ(parse_services(service_parameter(all).substr(17)), all);
    EXPECT_EQ(service_parameter({}), "");
}

TEST(Services, that_are_not_exactly_right_are_none) {
    for (const auto* text : {"",
                             ",",
                             "web",
                             "web:up",
                             "web:up:",
                             "web:on:/a",
                             "Web:up:/a",
                             "web-:up:/a",
                             "web:up:/a:/b",
                             "web:up:a.service:b.service",
                             "web:up:/a:a.service:x",
                             "web:up:/../a",
                             "web:up:/a/",
                             "web:up:/",
                             "web:up:a",
                             "web:up:a.mount",
                             "web:up:-a.service",
                             "web:up:a;b.service",
                             "web:up:/a b",
                             "web:up:/a,web:down:/b",
                             "web:up:/a,"}) {
        EXPECT_FALSE(parse_services(text)) << text;
    }
    EXPECT_FALSE(parse_services("web:up:/" + std::string(200, 'a')));
}

TEST(Services, verbs_mean_acts) {
    EXPECT_EQ(act_of(ServiceVerb::enable), ServiceAct::start);
    EXPECT_EQ(act_of(ServiceVerb::disable), ServiceAct::stop);
    EXPECT_EQ(act_of(ServiceVerb::restart), ServiceAct::restart);
    EXPECT_TRUE(is_lasting(ServiceVerb::disable) && !is_lasting(ServiceVerb::stop));
}

TEST(Services, are_found_by_name) {
    EXPECT_EQ(find_service({web, apache}, "apache2")->unit, "apache2.service");
    EXPECT_EQ(find_service({web, apache}, "apache"), nullptr);
}

TEST(Passwords, are_sha512_crypt_alone) {
    const std::string hash(86, 'a');
    EXPECT_TRUE(is_password_hash("$6$salt$" + hash));
    EXPECT_TRUE(is_password_hash("$6$./09AZaz01234567$" + hash));
    for (const auto& text :
         {std::string(), std::string("secret"), "$6$$" + hash, "$6$salt" + hash, "$6$salt$" + hash + "a",
          "$6$salt$" + hash.substr(1), "$5$salt$" + hash, "$6$s:lt$" + hash, "$6$salt$" + hash.substr(1) + ":",
          "$6$01234567890123456$" + hash, "$6$rounds=1000$salt$" + hash, "$6$salt$" + hash.substr(1) + "\n"})
        EXPECT_FALSE(is_password_hash(text)) << text;
}

}  // namespace
}  // namespace drover
