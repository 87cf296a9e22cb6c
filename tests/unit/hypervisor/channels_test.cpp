#include "hypervisor/channels.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "model/error.hpp"

namespace drover {
namespace {

// A socket as QEMU has one for a channel.
class Channel : public testing::Test {
  protected:
    Channel() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(::bind(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(server.get(), 1), 0);
    }
    ~Channel() override { std::filesystem::remove(path); }

    UniqueFd accept() { return UniqueFd(::accept(server.get(), nullptr, nullptr)); }

    const std::string path = testing::TempDir() + "drover-channel-" + std::to_string(::getpid());
    UniqueFd server{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
};

std::string read_some(const UniqueFd& fd) {
    pollfd readable{fd.get(), POLLIN, 0};
    ::poll(&readable, 1, -1);
    std::array<char, 100> bytes{};
    const auto count = ::read(fd.get(), bytes.data(), bytes.size());
    return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
}

TEST_F(Channel, CarriesBytesBothWaysAndEndsWithItsServer) {
    const auto ours = connect_channel(path);
    auto theirs = accept();
    EXPECT_EQ(::write(ours.get(), "PING\n", 5), 5);
    EXPECT_EQ(read_some(theirs), "PING\n");
    EXPECT_EQ(::write(theirs.get(), "OK\n", 3), 3);
    EXPECT_EQ(read_some(ours), "OK\n");
    theirs = UniqueFd();
    EXPECT_EQ(read_some(ours), "");
}

TEST_F(Channel, NeverBlocksAndNeverHoldsMoreThanTheKernelDoes) {
    const auto ours = connect_channel(path);
    EXPECT_NE(::fcntl(ours.get(), F_GETFD) & FD_CLOEXEC, 0);
    const std::string line(200, 'x');
    std::size_t taken = 0;
    while (::write(ours.get(), line.data(), line.size()) > 0) taken += line.size();
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_LT(taken, 4U << 20);
}

TEST_F(Channel, SaysWhenNobodyServesIt) {
    server = UniqueFd();
    for (const auto& gone : {path, path + "-never"}) try {
            connect_channel(gone);
            FAIL();
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::not_found) << error.what();
            EXPECT_NE(std::string(error.what()).find(gone), std::string::npos);
        }
}

TEST_F(Channel, SaysWhenItIsTaken) {
    std::vector<UniqueFd> waiting;
    try {
        for (int i = 0; i < 100; ++i) waiting.push_back(connect_channel(path));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::failed);
        EXPECT_NE(error.hint(), "");
    }
    EXPECT_THROW(connect_channel("/" + std::string(200, 'x')), Error);
}

TEST(Terminal, IsRawAndEndsWithItsOtherEnd) {
    int other = -1, terminal = -1;
    std::array<char, 64> path{};
    ASSERT_EQ(::openpty(&other, &terminal, path.data(), nullptr, nullptr), 0);
    ::close(terminal);
    const auto channel = open_terminal(path.data());
    EXPECT_EQ(::write(channel.get(), "a\n", 2), 2);
    std::array<char, 8> bytes{};
    EXPECT_EQ(::read(other, bytes.data(), bytes.size()), 2) << "neither echoed nor made \\r\\n";
    EXPECT_EQ(::write(other, "no line", 7), 7);
    EXPECT_EQ(::read(channel.get(), bytes.data(), bytes.size()), 7);
    EXPECT_LT(::read(channel.get(), bytes.data(), bytes.size()), 0);
    EXPECT_EQ(errno, EAGAIN);
    ::close(other);
    errno = 0;
    EXPECT_LE(::read(channel.get(), bytes.data(), bytes.size()), 0);
    EXPECT_NE(errno, EAGAIN);
    try {
        open_terminal(path.data());
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::not_found);
    }
}

}  // namespace
}  // namespace drover
