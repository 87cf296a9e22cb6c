#include "hypervisor/connection.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <latch>

#include "hypervisor/handles.hpp"
#include "model/unique_fd.hpp"

namespace drover {
namespace {

using namespace std::chrono_literals;

// libvirt's own driver for tests: each connection is a small host of its own, in this process.
constexpr const char* test_uri = "test:///default";

ErrorKind kind_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& error) {
        return error.kind();
    }
    ADD_FAILURE() << "no error";
    return ErrorKind::failed;
}

std::string hostname(virConnectPtr connection) { return TextHandle(virConnectGetHostname(connection)).get(); }

TEST(Connection, ConnectsAtTheFirstCallAndGivesBackWhatTheCallGives) {
    EventLoop loop;
    Connection connection(loop, test_uri);
    EXPECT_FALSE(connection.call(hostname).empty());
    connection.call([](virConnectPtr) {});
    EXPECT_THROW(connection.call([](virConnectPtr) { throw std::runtime_error("mine"); }), std::runtime_error);
    EXPECT_EQ(kind_of([&] { connection.call([](virConnectPtr) { throw Error(ErrorKind::refused, "mine"); }); }),
              ErrorKind::refused);
}

TEST(Connection, SaysSoWhenThereIsNobodyAndTriesAnewAtEachCall) {
    EventLoop loop;
    Connection connection(loop, "qemu+unix:///system?socket=/nowhere/libvirt-sock");
    for (int i = 0; i < 2; ++i) EXPECT_EQ(kind_of([&] { connection.call(hostname); }), ErrorKind::unavailable);
}

// A frozen libvirtd: the kernel takes the connection for it, nobody ever answers.
TEST(Connection, GivesUpOnOneThatNeverAnswers) {
    const auto path = testing::TempDir() + "drover-frozen-" + std::to_string(::getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    UniqueFd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(server.get(), 8), 0);
    EventLoop loop;
    Connection connection(loop, "qemu+unix:///system?socket=" + path, 200ms);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(kind_of([&] { connection.call(hostname); }), ErrorKind::unavailable);
    server = UniqueFd();  // it ends: so does the attempt
    EXPECT_EQ(kind_of([&] { connection.call(hostname); }), ErrorKind::unavailable);
    std::filesystem::remove(path);
}

TEST(Connection, GivesUpACallThatDoesNotEndAndGoesOnWithANewConnection) {
    EventLoop loop;
    Connection connection(loop, test_uri, 500ms);
    const auto connection_of_call = [](virConnectPtr c) { return static_cast<void*>(c); };
    const auto first = connection.call(connection_of_call);
    const auto released = std::make_shared<std::promise<void>>();
    const auto stuck = released->get_future().share();
    EXPECT_EQ(kind_of([&] { connection.call([stuck](virConnectPtr) { stuck.wait(); }); }), ErrorKind::unavailable);
    EXPECT_NE(connection.call(connection_of_call), first);
    released->set_value();
}

TEST(Connection, HasAtMostFourCallsInFlight) {
    EventLoop loop;
    Connection connection(loop, test_uri);
    std::atomic<int> running = 0, most = 0;
    std::vector<std::future<void>> calls;
    for (int i = 0; i < 64; ++i)
        calls.push_back(std::async(std::launch::async, [&] {
            connection.call([&](virConnectPtr c) {
                const int now = ++running;
                for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) continue;
                hostname(c);
                --running;
            });
        }));
    for (auto& call : calls) call.get();
    EXPECT_LE(most, 4);
    EXPECT_GE(most, 1);
}

TEST(Connection, TellsOfDomainsThatChange) {
    EventLoop loop;
    Connection connection(loop, test_uri);
    std::promise<void> anything, stopped;
    std::atomic<bool> told = false, named = false;
    connection.watch([&](virDomainPtr domain, DomainEvent /*event*/) {
        if (domain == nullptr && !told.exchange(true)) anything.set_value();
        if (domain != nullptr && std::string(virDomainGetName(domain)) == "test" && !named.exchange(true))
            stopped.set_value();
    });
    connection.call([](virConnectPtr c) {
        const DomainHandle domain(virDomainLookupByName(c, "test"));
        if (virDomainDestroy(domain.get()) < 0) throw last_error("destroy");
    });
    EXPECT_EQ(anything.get_future().wait_for(20s), std::future_status::ready) << "not told that a connection was made";
    EXPECT_EQ(stopped.get_future().wait_for(20s), std::future_status::ready) << "not told of the domain";
}

}  // namespace
}  // namespace drover
