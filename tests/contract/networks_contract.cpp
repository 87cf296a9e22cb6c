#include <algorithm>

#include "contract.hpp"

namespace drover {
namespace {

class NetworksContract : public Contract {
  protected:
    Address nth(std::uint32_t n) { return {world().network().subnet.network.value + n}; }
};

INSTANTIATE_TEST_SUITE_P(On, NetworksContract, testing::ValuesIn(all_worlds()), name_of);

TEST_P(NetworksContract, IsMadeOnceAndRemovedOnce) {
    for (int i = 0; i < 2; ++i) networks().ensure(world().network());
    EXPECT_TRUE(networks().names().empty());
    for (int i = 0; i < 2; ++i) networks().remove();
    EXPECT_EQ(kind_of([&] { networks().names(); }), ErrorKind::not_found);
    EXPECT_EQ(kind_of([&] { networks().add_name({nth(5), "alice-1"}); }), ErrorKind::not_found);
    networks().remove_name(nth(5));
}

TEST_P(NetworksContract, KeepsNamesAsTheyWereGivenLast) {
    networks().ensure(world().network());
    for (int i = 0; i < 2; ++i) networks().add_name({nth(5), "alice-1"});
    networks().add_name({nth(6), "alice-2"});
    EXPECT_EQ(networks().names(), (std::vector<HostName>{{nth(5), "alice-1"}, {nth(6), "alice-2"}}));
    networks().add_name({nth(5), "alice-3"});  // the address goes to another
    networks().add_name({nth(7), "alice-2"});  // the name moves
    auto names = networks().names();
    std::ranges::sort(names);
    EXPECT_EQ(names, (std::vector<HostName>{{nth(5), "alice-3"}, {nth(7), "alice-2"}}));
    for (int i = 0; i < 2; ++i) networks().remove_name(nth(5));
    EXPECT_EQ(networks().names(), (std::vector<HostName>{{nth(7), "alice-2"}}));
    networks().ensure(world().network());
    EXPECT_EQ(networks().names().size(), 1);
}

TEST_P(NetworksContract, IsRemadeWhenNobodyIsPluggedIn) {
    auto spec = world().network();
    networks().ensure(spec);
    spec.domain = "other.internal";
    networks().ensure(spec);
    networks().add_name({nth(5), "alice-1"});
    EXPECT_EQ(networks().names().size(), 1);
    networks().ensure(world().network());
    EXPECT_EQ(networks().names(), (std::vector<HostName>{{nth(5), "alice-1"}}));
}

TEST_P(NetworksContract, OfSomebodyElseIsNotTouched) {
    world().add_foreign_network();
    EXPECT_EQ(kind_of([&] { networks().ensure(world().network()); }), ErrorKind::refused);
    EXPECT_EQ(kind_of([&] { networks().remove(); }), ErrorKind::refused);
    EXPECT_EQ(kind_of([&] { networks().names(); }), ErrorKind::refused);
    EXPECT_EQ(kind_of([&] { networks().add_name({nth(5), "alice-1"}); }), ErrorKind::refused);
    EXPECT_EQ(kind_of([&] { networks().remove_name(nth(5)); }), ErrorKind::refused);
}

TEST_P(NetworksContract, ItselfLeavesItsSubnetFree) {
    const auto subnet = world().network().subnet;
    networks().ensure(world().network());
    EXPECT_EQ(free_subnet(networks().taken_subnets()), subnet);
}

}  // namespace
}  // namespace drover
