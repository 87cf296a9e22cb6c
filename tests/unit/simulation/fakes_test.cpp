#include <gtest/gtest.h>

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
    EXPECT_TRUE(FakeGuest({.host_key = guest.memory().host_key}).greet().ends_with(" " + guest.memory().host_key + "\n"));
}

}  // namespace
}  // namespace drover
