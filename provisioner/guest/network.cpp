#include "guest/network.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "control/fields.hpp"
#include "guest/files.hpp"
#include "guest/network6.hpp"
#include "model/address.hpp"
#include "model/error.hpp"
#include "model/unique_fd.hpp"

namespace drover::guest {
namespace {

sockaddr socket_address(Address address) {
    sockaddr_in ip{};
    ip.sin_family = AF_INET;
    ip.sin_addr.s_addr = htonl(address.value);
    sockaddr generic{};
    static_assert(sizeof generic == sizeof ip);
    std::memcpy(&generic, &ip, sizeof generic);
    return generic;
}

/// One network interface, through the ioctls of a socket.
class Interface {
  public:
    explicit Interface(std::string name)
        : name_(std::move(name)), socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        if (!socket_) fail("cannot make a socket");
    }

    [[nodiscard]] const std::string& name() const { return name_; }

    [[nodiscard]] bool is_ethernet() const {
        ifreq request = fresh();
        return ioctl(socket_.get(), SIOCGIFHWADDR, &request) == 0 && request.ifr_hwaddr.sa_family == ARPHRD_ETHER;
    }

    void set_mac(const std::string& mac) const {
        ifreq request = fresh();
        call(SIOCGIFHWADDR, request, "read the MAC");
        for (std::size_t i = 0; i < 6; ++i) {
            unsigned char byte = 0;
            std::from_chars(mac.data() + 3 * i, mac.data() + 3 * i + 2, byte, 16);
            request.ifr_hwaddr.sa_data[i] = static_cast<char>(byte);
        }
        ifreq now = fresh();
        call(SIOCGIFHWADDR, now, "read the MAC");
        if (std::memcmp(now.ifr_hwaddr.sa_data, request.ifr_hwaddr.sa_data, 6) != 0)
            call(SIOCSIFHWADDR, request, "set the MAC " + mac);
    }

    [[nodiscard]] bool has_address() const {
        ifreq request = fresh();
        return ioctl(socket_.get(), SIOCGIFADDR, &request) == 0;
    }

    /// The kernel leaves an address and a netmask alone that are the same already.
    void set_address(const control::InterfaceAddress& address) const {
        ifreq request = fresh();
        request.ifr_addr = socket_address(address.address);
        call(SIOCSIFADDR, request, "set the address " + to_text(address.address));
        request.ifr_netmask = socket_address(address.subnet.netmask());
        call(SIOCSIFNETMASK, request, "set the netmask of " + to_text(address.subnet));
    }

    void bring_up() const {
        ifreq request = fresh();
        call(SIOCGIFFLAGS, request, "read the flags");
        if ((request.ifr_flags & IFF_UP) != 0) return;
        request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
        call(SIOCSIFFLAGS, request, "bring it up");
    }

    /// `first`: there can be none yet, and nobody has to look.
    void set_default_route(Address gateway, bool first) const {
        rtentry route{};
        route.rt_dst = socket_address(Address{0});
        route.rt_genmask = socket_address(Address{0});
        route.rt_flags = RTF_UP;
        std::string name = name_;
        route.rt_dev = name.data();
        if (!first && has_default_route(gateway)) return;
        while (!first && ioctl(socket_.get(), SIOCDELRT, &route) == 0) continue;  // a former one
        route.rt_flags = RTF_UP | RTF_GATEWAY;
        route.rt_gateway = socket_address(gateway);
        if (ioctl(socket_.get(), SIOCADDRT, &route) != 0) fail(name_ + ": cannot route through " + to_text(gateway));
    }

    [[nodiscard]] unsigned index() const {
        ifreq request = fresh();
        call(SIOCGIFINDEX, request, "find its number");
        return static_cast<unsigned>(request.ifr_ifindex);
    }

  private:
    [[nodiscard]] ifreq fresh() const {
        ifreq request{};
        name_.copy(request.ifr_name, IFNAMSIZ - 1);
        return request;
    }
    void call(unsigned long what, ifreq& request, const std::string& deed) const {
        if (ioctl(socket_.get(), what, &request) != 0) fail(name_ + ": cannot " + deed);
    }
    /// A line of /proc/net/route begins: name, destination, gateway, in hex of the machine's own byte order.
    [[nodiscard]] bool has_default_route(Address gateway) const {
        const auto line = fmt::format("\n{}\t00000000\t{:08X}\t", name_, htonl(gateway.value));
        return read_if_there("/proc/net/route").value_or("").find(line) != std::string::npos;
    }

    std::string name_;
    UniqueFd socket_;
};

/// eth0, or else the one with the lowest number: what the user adds later comes after it. (To list all of them is a
/// large part of what an emulated fork has to do until it is ready.)
Interface first_ethernet() {
    if (Interface eth0("eth0"); eth0.is_ethernet()) return eth0;
    const auto free_list = [](struct if_nameindex* list) { if_freenameindex(list); };
    const std::unique_ptr<struct if_nameindex, decltype(free_list)> list(if_nameindex(), free_list);
    for (const auto* entry = list.get(); entry != nullptr && entry->if_index != 0; ++entry)
        if (Interface(entry->if_name).is_ethernet()) return Interface(entry->if_name);
    throw Error(ErrorKind::failed, "this guest has no ethernet interface");
}

}  // namespace

void put_mac(const std::string& mac) { first_ethernet().set_mac(mac); }

void put_network_to_rest() {
    Interface("lo").bring_up();
    const auto interface = first_ethernet();
    silence_ipv6(interface.name());
    interface.bring_up();
}

void put_network_into_force(const control::Identity& identity) {
    Interface("lo").bring_up();
    const auto interface = first_ethernet();
    interface.set_mac(identity.mac);
    const bool had_address = interface.has_address();
    interface.set_address(control::parse_interface_address(identity.address).value());
    interface.bring_up();
    interface.set_default_route(parse_address(identity.gateway), !had_address);
    put_ipv6_into_force(interface.name(), interface.index(), identity);
}

}  // namespace drover::guest
