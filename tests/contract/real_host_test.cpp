#include "real_host.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "contract.hpp"
#include "hypervisor/domain_xml.hpp"
#include "hypervisor/kvm_probe.hpp"
#include "model/names.hpp"

namespace drover {
namespace {

using namespace std::chrono_literals;

// What a model in memory cannot show.
class OnRealHost : public Contract {
  protected:
    RealHost& host() { return dynamic_cast<RealHost&>(world()); }
    void start(const DomainSpec& spec) {
        domains().define(spec);
        domains().start(spec.id);
    }
};

INSTANTIATE_TEST_SUITE_P(On, OnRealHost, testing::Values(all_worlds().back()), name_of);

// A question for the IPv4 address of a name, asked of a DNS server; "" for no answer, "none" for no such name.
std::string ask_dns(Address server, const std::string& name) {
    std::string question("\x2a\x2a\x01\0\0\x01\0\0\0\0\0\0", 12);
    for (std::size_t from = 0, dot = 0; dot != std::string::npos; from = dot + 1) {
        dot = name.find('.', from);
        const auto label = name.substr(from, dot - from);
        question += static_cast<char>(label.size());
        question += label;
    }
    question += std::string("\0\0\x01\0\x01", 5);
    const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(53);
    to.sin_addr.s_addr = htonl(server.value);
    std::array<unsigned char, 512> answer{};
    ssize_t length = 0;
    // UDP, and a server that may be just starting: ask again.
    for (int attempt = 0; attempt < 20 && length <= 0; ++attempt) {
        ::sendto(socket.get(), question.data(), question.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
        pollfd readable{socket.get(), POLLIN, 0};
        if (::poll(&readable, 1, 500) > 0) length = ::recv(socket.get(), answer.data(), answer.size(), MSG_DONTWAIT);
    }
    if (length <= 0) return "";
    if (answer[7] == 0) return "none";
    const auto* address = answer.data() + length - 4;
    return to_text(Address{static_cast<std::uint32_t>(address[0]) << 24 | static_cast<std::uint32_t>(address[1]) << 16 |
                           static_cast<std::uint32_t>(address[2]) << 8 | address[3]});
}

TEST_P(OnRealHost, TheSharedRootStaysRootsWhileAGuestRuns) {
    const auto spec = host().sleeper(1);
    start(spec);
    struct stat root {};
    ASSERT_EQ(::stat(spec.root.c_str(), &root), 0);
    EXPECT_EQ(root.st_uid, 0);
    EXPECT_EQ(root.st_gid, 0);
    ASSERT_EQ(::stat(spec.kernel.c_str(), &root), 0);
    EXPECT_EQ(root.st_uid, 0);
}

TEST_P(OnRealHost, AGuestsLineHasItsNameForAsLongAsItRuns) {
    const auto spec = host().sleeper(1);
    const auto line = "/sys/class/net/" + device_name(spec.instance, spec.id);
    start(spec);
    EXPECT_EQ(::access(line.c_str(), F_OK), 0) << line;
    domains().force_off(1);
    EXPECT_NE(::access(line.c_str(), F_OK), 0) << line;
}

// As the probe for KVM, but emulated: so it is seen to tell a guest that runs from one that does not, on any machine.
TEST_P(OnRealHost, AProbeThatSwitchesItselfOffIsBelievedAndNoOther) {
    const auto [kernel, initrd] = host().probe();
    auto xml = probe_xml(host().ownership(), kernel, initrd, host().default_user());
    for (const auto& [from, to] : {std::pair{"\"kvm\"", "\"qemu\""}, {"\"host-passthrough\"", "\"maximum\""}})
        xml.replace(xml.find(from), std::string(from).size(), to);
    EXPECT_TRUE(kvm_works(host().connection(), host().ownership(), xml));
    xml.replace(xml.find("drover.probe"), std::string("drover.probe").size(), "nothing");
    EXPECT_FALSE(kvm_works(host().connection(), host().ownership(), xml));
}

// dnsmasq hears of a change, and may answer one more question before it looks.
testing::AssertionResult dns_says(Address server, const std::string& name, const std::string& expected) {
    std::string said;
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    do {
        said = ask_dns(server, name);
        if (said == expected) return testing::AssertionSuccess();
    } while (std::chrono::steady_clock::now() < deadline);
    return testing::AssertionFailure() << name << ": " << said << " instead of " << expected;
}

TEST_P(OnRealHost, DnsAnswersForNamesAloneAndInTheDomain) {
    const auto spec = world().network();
    const Address address{spec.subnet.network.value + 9}, gateway = spec.subnet.gateway();
    networks().ensure(spec);
    networks().add_name({address, "alice-1"});
    EXPECT_TRUE(dns_says(gateway, "alice-1", to_text(address)));
    EXPECT_TRUE(dns_says(gateway, "alice-1." + spec.domain, to_text(address)));
    EXPECT_TRUE(dns_says(gateway, "gateway." + spec.domain, to_text(gateway)));
    networks().add_name({address, "alice-2"});
    EXPECT_TRUE(dns_says(gateway, "alice-1." + spec.domain, "none"));
    EXPECT_TRUE(dns_says(gateway, "alice-2." + spec.domain, to_text(address)));
    networks().remove_name(address);
    EXPECT_TRUE(dns_says(gateway, "alice-2." + spec.domain, "none"));
}

TEST_P(OnRealHost, AnOlderNetworkThatNobodyUsesIsStartedAnewWithItsFolder) {
    const auto spec = world().network();
    const Address address{spec.subnet.network.value + 9};
    host().make_older_network({address, "alice-1"});
    networks().ensure(spec);
    EXPECT_TRUE(host().watches_folder(true) && host().watches_folder(false));
    EXPECT_TRUE(dns_says(spec.subnet.gateway(), "alice-1." + spec.domain, "none"));
    networks().add_name({address, "alice-1"});
    EXPECT_TRUE(dns_says(spec.subnet.gateway(), "alice-1." + spec.domain, to_text(address)));
}

TEST_P(OnRealHost, AnOlderNetworkInUseGoesOnAnsweringAndGetsItsFolderWithItsNextStart) {
    const auto spec = world().network();
    const Address first{spec.subnet.network.value + 8}, second{spec.subnet.network.value + 9};
    const auto gateway = spec.subnet.gateway();
    const auto guest = host().sleeper(1);
    networks().remove();
    host().make_older_network({first, "alice-1"});
    start(guest);
    for (int i = 0; i < 2; ++i) networks().ensure(spec);
    EXPECT_TRUE(host().watches_folder(true) && !host().watches_folder(false));
    EXPECT_TRUE(dns_says(gateway, "alice-1." + spec.domain, to_text(first)));
    for (const HostName& name : {HostName{first, "alice-1"}, {second, "alice-2"}}) networks().add_name(name);
    EXPECT_TRUE(dns_says(gateway, "alice-2." + spec.domain, to_text(second)));
    networks().remove_name(first);
    EXPECT_TRUE(dns_says(gateway, "alice-1." + spec.domain, "none"));
    EXPECT_EQ(networks().names(), (std::vector<HostName>{{second, "alice-2"}}));

    domains().force_off(1);
    networks().ensure(spec);
    EXPECT_TRUE(host().watches_folder(false));
    EXPECT_TRUE(dns_says(gateway, "alice-2." + spec.domain, to_text(second)));
}

TEST_P(OnRealHost, DnsComesBackAfterItsServerWasKilled) {
    const auto spec = world().network();
    const Address address{spec.subnet.network.value + 9};
    networks().ensure(spec);
    networks().add_name({address, "alice-1"});
    host().kill_dns();
    networks().ensure(spec);
    EXPECT_TRUE(dns_says(spec.subnet.gateway(), "alice-1." + spec.domain, to_text(address)));
}

TEST_P(OnRealHost, NamesAreKeptWhileTheNetworkIsDown) {
    const auto spec = world().network();
    const Address address{spec.subnet.network.value + 9};
    networks().ensure(spec);
    host().stop_network();
    networks().add_name({address, "alice-1"});
    EXPECT_EQ(networks().names(), (std::vector<HostName>{{address, "alice-1"}}));
    networks().ensure(spec);
    EXPECT_TRUE(dns_says(spec.subnet.gateway(), "alice-1." + spec.domain, to_text(address)));
}

TEST_P(OnRealHost, ANetworkInUseIsNotRemade) {
    start(host().sleeper(1));
    auto spec = world().network();
    networks().ensure(spec);  // which changes an entry
    spec.domain = "other.internal";
    EXPECT_EQ(kind_of([&] { networks().ensure(spec); }), ErrorKind::refused);
    domains().force_off(1);
    networks().ensure(spec);
}

TEST_P(OnRealHost, AFrozenGuestHoldsUpNobodyElseAndCanBeForcedOff) {
    start(host().sleeper(1));
    start(host().sleeper(2));
    host().freeze(1);
    Connection impatient(host().loop(), host().uri, 2s);
    LibvirtDomains domains(impatient, host().ownership().instance, host().ownership().registry);
    for (int i = 0; i < 6; ++i) EXPECT_EQ(kind_of([&] { domains.suspend(1); }), ErrorKind::unavailable);
    domains.suspend(2);
    EXPECT_EQ(domains.look(2).run, Run::paused);
    EXPECT_EQ(domains.list().size(), 2);
    host().domains().force_off(1);
    EXPECT_EQ(domains.look(1).run, Run::off);
}

}  // namespace
}  // namespace drover
