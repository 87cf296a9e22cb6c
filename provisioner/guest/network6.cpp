#include "guest/network6.hpp"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "control/fields.hpp"
#include "guest/files.hpp"
#include "model/address.hpp"
#include "model/unique_fd.hpp"

namespace drover::guest {
namespace {

/// One request to the kernel's network, and its answer.
class Request {
  public:
    template <typename Body> Request(std::uint16_t type, std::uint16_t flags, const Body& body) {
        auto& header = *reinterpret_cast<nlmsghdr*>(bytes_.data());
        header.nlmsg_type = type;
        header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
        header.nlmsg_len = NLMSG_LENGTH(sizeof body);
        std::memcpy(NLMSG_DATA(&header), &body, sizeof body);
    }

    void add(std::uint16_t type, const void* value, std::size_t size) {
        auto& header = *reinterpret_cast<nlmsghdr*>(bytes_.data());
        const rtattr attribute{static_cast<std::uint16_t>(RTA_LENGTH(size)), type};
        auto* const end = bytes_.data() + NLMSG_ALIGN(header.nlmsg_len);
        std::memcpy(end, &attribute, sizeof attribute);
        std::memcpy(end + RTA_LENGTH(0), value, size);
        header.nlmsg_len = NLMSG_ALIGN(header.nlmsg_len) + RTA_ALIGN(attribute.rta_len);
    }
    void add(std::uint16_t type, const Address6& address) { add(type, address.bytes.data(), address.bytes.size()); }
    void add(std::uint16_t type, std::uint32_t number) { add(type, &number, sizeof number); }

    /// The kernel's errno; 0: done.
    [[nodiscard]] int send() const {
        const UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
        sockaddr_nl kernel{};
        kernel.nl_family = AF_NETLINK;
        const auto& header = *reinterpret_cast<const nlmsghdr*>(bytes_.data());
        if (!socket || sendto(socket.get(), bytes_.data(), header.nlmsg_len, 0, reinterpret_cast<sockaddr*>(&kernel),
                              sizeof kernel) < 0)
            return errno;
        alignas(nlmsghdr) std::array<char, 4096> answer{};
        const auto size = recv(socket.get(), answer.data(), answer.size(), 0);
        if (size < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(nlmsgerr)))) return errno == 0 ? EPROTO : errno;
        nlmsgerr error{};
        std::memcpy(&error, NLMSG_DATA(answer.data()), sizeof error);
        return -error.error;
    }

  private:
    alignas(nlmsghdr) std::array<char, 256> bytes_{};
};

/// An address that an interface has.
struct Had {
    Address6 address;
    int prefix = 0, scope = 0;
    bool permanent = false;
};

/// The lines of /proc/net/if_inet6: address, number of the interface, prefix length, scope, flags, in hex; its name.
std::vector<Had> addresses_of(const std::string& interface) {
    std::vector<Had> all;
    std::istringstream lines(read_if_there("/proc/net/if_inet6").value_or(""));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string digits, name;
        unsigned index = 0, prefix = 0, scope = 0, flags = 0;
        fields >> digits >> std::hex >> index >> prefix >> scope >> flags >> name;
        if (!fields || name != interface || digits.size() != 32) continue;
        Had had{{}, static_cast<int>(prefix), static_cast<int>(scope), (flags & IFA_F_PERMANENT) != 0};
        for (std::size_t i = 0; i < 16; ++i)
            std::from_chars(digits.data() + 2 * i, digits.data() + 2 * i + 2, had.address.bytes[i], 16);
        all.push_back(had);
    }
    return all;
}

/// What the kernel makes of a MAC by itself: fe80:: and the modified EUI-64.
Address6 link_local_of(const std::string& mac) {
    Address6 address{{0xfe, 0x80}};
    constexpr std::array<std::size_t, 6> places{8, 9, 10, 13, 14, 15};
    for (std::size_t i = 0; i < 6; ++i)
        std::from_chars(mac.data() + 3 * i, mac.data() + 3 * i + 2, address.bytes[places.at(i)], 16);
    address.bytes[8] ^= 2;
    address.bytes[11] = 0xff;
    address.bytes[12] = 0xfe;
    return address;
}

int change_address(std::uint16_t type, std::uint16_t flags, unsigned index, const Address6& address, int prefix) {
    ifaddrmsg body{};
    body.ifa_family = AF_INET6;
    body.ifa_prefixlen = static_cast<std::uint8_t>(prefix);
    body.ifa_flags = IFA_F_NODAD;  // nobody else has it: it comes from the registry
    body.ifa_index = index;
    Request request(type, flags, body);
    request.add(IFA_LOCAL, address);
    request.add(IFA_ADDRESS, address);
    return request.send();
}

/// Exactly this one of its scope, of those that are for ever.
void have_only(const std::vector<Had>& had, unsigned index, int scope, const Address6& address, int prefix) {
    constexpr std::uint16_t make = NLM_F_CREATE | NLM_F_EXCL;
    bool there = false;
    for (const auto& one : had) {
        if (one.scope != scope || !one.permanent) continue;
        if (one.address == address && one.prefix == prefix)
            there = true;
        else
            static_cast<void>(change_address(RTM_DELADDR, 0, index, one.address, one.prefix));
    }
    errno = there ? 0 : change_address(RTM_NEWADDR, make, index, address, prefix);
    if (errno != 0 && errno != EEXIST) fail("cannot set the address " + to_text(address));
}

void put_default_route(unsigned index, const Address6& gateway) {
    rtmsg body{};
    body.rtm_family = AF_INET6;
    body.rtm_table = RT_TABLE_MAIN;
    body.rtm_protocol = RTPROT_STATIC;
    body.rtm_scope = RT_SCOPE_UNIVERSE;
    body.rtm_type = RTN_UNICAST;
    Request request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, body);
    request.add(RTA_GATEWAY, gateway);
    request.add(RTA_OIF, index);
    request.add(RTA_PRIORITY, 1024);
    errno = request.send();
    if (errno != 0 && errno != EEXIST) fail("cannot route through " + to_text(gateway));
}

std::string setting_of(const std::string& interface, const char* setting) {
    return "/proc/sys/net/ipv6/conf/" + interface + "/" + setting;
}

/// A container's are for its host to set.
void set_if_possible(const std::string& interface, const char* setting, const char* value) {
    const auto path = setting_of(interface, setting);
    if (read_if_there(path) == std::string(value) + "\n") return;
    const UniqueFd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file) static_cast<void>(write(file.get(), value, 1) == 1);
}

}  // namespace

void silence_ipv6(const std::string& interface) {
    for (const auto& [setting, value] : {std::pair{"disable_ipv6", "1"}, {"accept_ra", "0"}, {"autoconf", "0"}})
        set_if_possible(interface, setting, value);
}

void put_ipv6_into_force(const std::string& interface, unsigned index, const control::Identity& identity) {
    const auto told = control::parse_interface_address6(identity.address6);
    const auto silent = read_if_there(setting_of(interface, "disable_ipv6"));
    if (!told || !silent) return;
    // One that was silent, as in a fork, has none.
    const auto had = *silent == "0\n" ? addresses_of(interface) : std::vector<Had>{};
    set_if_possible(interface, "disable_ipv6", "0");
    set_if_possible(interface, "accept_ra", "0");
    set_if_possible(interface, "autoconf", "0");
    constexpr int global = 0, link = 0x20, link_prefix = 64;
    have_only(had, index, link, link_local_of(identity.mac), link_prefix);
    have_only(had, index, global, told->address, told->prefix);
    if (!identity.gateway6.empty()) put_default_route(index, parse_address6(identity.gateway6));
}

}  // namespace drover::guest
