#include "hypervisor/by_kind.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/error.hpp"
#include "simulation/fake_domains.hpp"

namespace drover {
namespace {

struct ByKind : testing::Test {
    FakeDomains *vms = new FakeDomains, *containers = new FakeDomains;
    bool uses_containers = true;
    DomainsByKind domains{std::unique_ptr<Domains>(vms), std::unique_ptr<Domains>(containers),
                          [this] { return uses_containers; }};

    static DomainSpec spec(GuestId id, Kind kind) {
        DomainSpec spec;
        spec.id = id;
        spec.kind = kind;
        spec.make = {"sha256:" + std::string(64, 'a'), 1, 1};
        return spec;
    }
};

TEST_F(ByKind, EachCallGoesWhereTheGuestIs) {
    domains.define(spec(1, Kind::vm));
    domains.define(spec(2, Kind::container));
    for (const GuestId id : {1, 2}) domains.start(id);
    EXPECT_EQ(vms->look(1).run, Run::running);
    EXPECT_EQ(containers->look(2).run, Run::running);
    EXPECT_EQ(domains.list().size(), 2);
    for (const GuestId id : {1, 2}) domains.force_off(id), domains.undefine(id);
    EXPECT_TRUE(vms->list().empty() && containers->list().empty());
}

TEST_F(ByKind, FindsWhatAnEarlierDaemonMade) {
    vms->define(spec(1, Kind::vm));
    containers->define(spec(2, Kind::container));
    for (const GuestId id : {1, 2}) EXPECT_TRUE(domains.look(id).defined) << id;
    EXPECT_EQ(domains.look(3), (DomainSeen{.id = 3}));
}

TEST_F(ByKind, WithoutContainersTheirDriverIsNotAsked) {
    uses_containers = false;
    containers->set_reachable(false);
    domains.define(spec(1, Kind::vm));
    EXPECT_EQ(domains.list().size(), 1);
    EXPECT_FALSE(domains.look(7).defined);
    uses_containers = true;
    EXPECT_THROW(domains.list(), Error) << "nothing is known, so nothing is said";
}

}  // namespace
}  // namespace drover
