#include <gtest/gtest.h>
#include <malloc.h>
#include <stdlib.h>

#include <filesystem>

#include "model/error.hpp"
#include "simulation/fake_domains.hpp"
#include "simulation/fake_guest.hpp"

namespace drover {
namespace {

// What fakes and libvirt have in common is in tests/contract; here is what only the fakes can do.

DomainSpec spec(GuestId id) {
    DomainSpec spec;
    spec.id = id;
    spec.name = "alice-" + std::to_string(id);
    return spec;
}

template <typename Call> ErrorKind kind_of(Call call) {
    try {
        call();
    } catch (const Error& error) {
        return error.kind();
    }
    ADD_FAILURE() << "no error";
    return ErrorKind::failed;
}

TEST(FakeDomains, FailsToStartAsOftenAsTold) {
    FakeDomains domains;
    domains.behave(1, {.failing_starts = 2});
    domains.define(spec(1));
    EXPECT_EQ(kind_of([&] { domains.start(1); }), ErrorKind::failed);
    EXPECT_EQ(kind_of([&] { domains.start(1); }), ErrorKind::failed);
    domains.start(1);
    EXPECT_EQ(domains.look(1).run, Run::running);
    EXPECT_EQ(domains.starts(1), 1);
}

TEST(FakeDomains, DiesAtStartWhenTold) {
    FakeDomains domains;
    domains.behave({.dies_at_start = true});
    domains.define(spec(1));
    domains.start(1);
    EXPECT_EQ(domains.look(1).run, Run::off);
    EXPECT_FALSE(domains.look(1).powered_off_itself);
}

TEST(FakeDomains, TellsACrashFromAPowerOff) {
    FakeDomains domains;
    for (const GuestId id : {1, 2}) {
        domains.define(spec(id));
        domains.start(id);
    }
    domains.crash(1);
    domains.power_off(2);
    EXPECT_FALSE(domains.look(1).powered_off_itself);
    EXPECT_TRUE(domains.look(2).powered_off_itself);
}

/// The whole life of a guest, and what comes late when it is gone.
void live(FakeDomains& domains, GuestId id) {
    domains.define(spec(id));
    domains.start(id);
    const auto channel = domains.open_channel(id);
    domains.force_off(id);
    domains.undefine(id);
    domains.force_off(id);
    EXPECT_FALSE(domains.look(id).defined);
    EXPECT_EQ(domains.identity(id).name, "");
}

TEST(FakeDomains, KeepsNothingOfGuestsThatAreGone) {
    FakeDomains domains;
    for (GuestId id = 1; id <= 100; ++id) live(domains, id);
    const auto before = ::mallinfo2().uordblks;  // always 0 where a sanitizer allocates
    for (GuestId id = 101; id <= 1100; ++id) live(domains, id);
    EXPECT_LT(::mallinfo2().uordblks, before + 1000 * 128);
}

TEST(FakeDomains, IsOutOfReachWhenTold) {
    FakeDomains domains;
    domains.define(spec(1));
    domains.start(1);
    domains.set_reachable(false);
    EXPECT_EQ(kind_of([&] { domains.list(); }), ErrorKind::unavailable);
    EXPECT_EQ(kind_of([&] { domains.look(1); }), ErrorKind::unavailable);
    domains.set_reachable(true);
    EXPECT_EQ(domains.look(1).run, Run::running);
}

class Folder {
  public:
    Folder() { ::mkdtemp(path.data()); }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string path = "/tmp/drover-fake-XXXXXX";
};

TEST(FakeDomains, KeptInAFolderOutliveTheirProcess) {
    const Folder folder;
    {
        FakeDomains domains({.folder = folder.path});
        for (const GuestId id : {1, 2, 3}) domains.define(spec(id));
        domains.start(1);
        domains.start(2);
        domains.suspend(2);
        domains.undefine(3);
    }
    FakeDomains domains({.folder = folder.path});
    EXPECT_EQ(domains.list().size(), 2U);
    EXPECT_EQ(domains.look(1).run, Run::running);
    EXPECT_EQ(domains.look(1).name, "alice-1");
    EXPECT_EQ(domains.look(2).run, Run::paused);
    EXPECT_FALSE(domains.look(3).defined);
}

TEST(FakeGuest, KeepsTheHostKeyItWasGivenOverABoot) {
    FakeGuest guest;
    EXPECT_TRUE(guest.greet().ends_with(" -\n"));
    guest.hear("\n" + control::encode(control::FromDaemon{
                          control::Key{1, "host", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}));
    EXPECT_FALSE(guest.memory().host_key.empty());
    EXPECT_TRUE(
        FakeGuest({.host_key = guest.memory().host_key}).greet().ends_with(" " + guest.memory().host_key + "\n"));
}

}  // namespace
}  // namespace drover
