#include "hypervisor/ownership.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace drover {
namespace {

const Ownership ours{"drover", "0f3c8d3e-9a54-4c39-8d2b-3c8f4f6f2a10"};

// The value is for ever: guests of every earlier version are found by it.
TEST(Ownership, DerivesTheSameUuidForEver) {
    EXPECT_EQ(ours.domain_uuid(42), "d0e26bb0-d5a1-8b8e-bd63-ed79c21d7827");
    EXPECT_EQ(derived_uuid(ours.registry, "network"), "34a861c7-ab79-8336-906a-18b5e9880a9c");
}

TEST(Ownership, DerivesUuidsThatAreWellFormedAndAllDifferent) {
    const std::regex version_8("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
    std::set<std::string> all;
    for (GuestId id = 1; id <= 1000; ++id) {
        const auto uuid = ours.domain_uuid(id);
        EXPECT_TRUE(std::regex_match(uuid, version_8)) << uuid;
        all.insert(uuid);
        all.insert(Ownership{"drover", "another registry"}.domain_uuid(id));
    }
    EXPECT_EQ(all.size(), 2000);
}

TEST(Ownership, KnowsItsDomainsByNameAndUuidTogether) {
    EXPECT_EQ(ours.domain_name(42), "drover-42");
    EXPECT_EQ(ours.guest_of("drover-42", ours.domain_uuid(42)), 42);
    EXPECT_EQ(ours.guest_of("drover-42", ours.domain_uuid(43)), std::nullopt);
    for (const auto* name : {"drover", "drover-", "drover-042", "drover-+42", "drover--42", "drover-42x", "Drover-42",
                             "drover2-42", "x-42", "drover-probe", "drover-99999999999999999999"})
        EXPECT_EQ(ours.guest_of(name, ours.domain_uuid(42)), std::nullopt) << name;
}

}  // namespace
}  // namespace drover
