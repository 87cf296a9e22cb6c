#include "fixture.hpp"

namespace drover::test {
namespace {

using testing::Each;
using testing::Field;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class Addresses : public FsckTest {
  protected:
    Addresses() {
        for (GuestId id = 1; id <= 6; ++id) add_guest({.id = id, .name = "alice-" + std::to_string(id)});
    }
    /// The number of the address as the registry stores it.
    static std::string number(const std::string& address) { return std::to_string(parse_address(address).value); }
};

TEST_F(Addresses, OfTwoGuestsAreDoubled) {
    // Names in DNS follow, so that only the addresses are wrong.
    const auto move = [&](GuestId id, const std::string& address) {
        execute("DELETE FROM addresses WHERE address = (SELECT address FROM guests WHERE id = " + std::to_string(id) +
                ");\n");
        execute("UPDATE guests SET address = " + number(address) + " WHERE id = " + std::to_string(id) + ";\n");
    };
    std::filesystem::remove_all(state("names"));
    write_text(tools_.hosts_file, "");
    move(2, "10.77.0.2");
    move(4, "10.77.0.4");
    move(6, "10.77.0.4");
    move(5, "10.77.0.2");
    const auto findings = look(true);
    EXPECT_THAT(kinds_of(findings),
                UnorderedElementsAre("doubled-address 10.77.0.2 alice-5", "doubled-address 10.77.0.4 alice-6"));
    EXPECT_THAT(findings, Each(Field(&Finding::repair, "")));
    EXPECT_EQ(kinds().size(), 2);
}

TEST_F(Addresses, MacsAreDoubledInTheRegistryOrInTheDomains) {
    execute("UPDATE guests SET mac = '52:54:00:AB:CD:EF' WHERE id = 1;\n");
    execute("UPDATE guests SET mac = '52:54:00:ab:cd:ef' WHERE id = 2;\n");
    write_domain({.id = 4, .guest = "alice-4", .mac = mac_of(3)});
    write_domain({.id = 5, .guest = "alice-5", .mac = "52:54:00:99:99:99"});
    write_domain({.id = 6, .guest = "alice-6", .mac = "52:54:00:99:99:99"});
    EXPECT_THAT(kinds(), UnorderedElementsAre("doubled-address 52:54:00:ab:cd:ef alice-2",
                                              "doubled-address 52:54:00:00:00:03 alice-4",
                                              "doubled-address 52:54:00:99:99:99 alice-6"));
}

TEST_F(Addresses, ThatTheRegistryDoesNotHoldAsInUseMayBeGivenOutTwice) {
    execute("DELETE FROM addresses WHERE address = " + number("10.77.0.2") + ";\n");
    execute("UPDATE addresses SET free_at = 5 WHERE address = " + number("10.77.0.3") + ";\n");
    execute("DELETE FROM addresses WHERE address = " + number("10.77.0.6") + ";\n");
    EXPECT_THAT(kinds(true),
                UnorderedElementsAre("doubled-address 10.77.0.2 alice-1", "doubled-address 10.77.0.3 alice-2",
                                     "doubled-address 10.77.0.6 alice-5"));
    EXPECT_EQ(kinds().size(), 3);
}

TEST_F(Addresses, ThatNobodyHasAreLeakedUnlessTheyRest) {
    for (const auto* address : {"10.77.0.100", "10.77.0.101", "10.77.0.102"})
        execute("INSERT INTO addresses (address) VALUES (" + number(address) + ");\n");
    execute("INSERT INTO addresses (address, free_at) VALUES (" + number("10.77.0.103") + ", 5);\n");
    EXPECT_THAT(kinds(), UnorderedElementsAre("doubled-address 10.77.0.100", "doubled-address 10.77.0.101",
                                              "doubled-address 10.77.0.102"));
}

}  // namespace
}  // namespace drover::test
