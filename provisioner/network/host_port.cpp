#include "network/host_port.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include "model/unique_fd.hpp"

namespace drover {

bool is_free_on_host(const ServicePort& port) {
    const int type = port.protocol == Protocol::tcp ? SOCK_STREAM : SOCK_DGRAM;
    const UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port.port));
    return fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace drover
