#include "network/names.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "model/error.hpp"
#include "model/profile.hpp"
#include "model/unique_fd.hpp"

namespace drover {
namespace {

std::string read_text(const std::string& path) {
    const std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

void write_all(const std::string& path, const std::string& text, int flags) {
    const UniqueFd fd(open(path.c_str(), flags | O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    std::size_t written = 0;
    while (fd && written < text.size()) {
        const ssize_t size = write(fd.get(), text.data() + written, text.size() - written);
        if (size < 0) break;
        written += static_cast<std::size_t>(size);
    }
    if (!fd || written < text.size() || ftruncate(fd.get(), static_cast<off_t>(text.size())) != 0) {
        throw Error(ErrorKind::failed, fmt::format("cannot write {}: {}", path, std::strerror(errno)));
    }
}

/// Aside and renamed, so that nobody reads half a file; in place where the file is a mount of its own.
void replace_file(const std::string& path, const std::string& text) {
    const std::string aside = path + ".drover";
    write_all(aside, text, O_TRUNC);
    if (rename(aside.c_str(), path.c_str()) == 0) return;
    unlink(aside.c_str());
    write_all(path, text, 0);
}

}  // namespace

std::string with_block(const std::string& text, const std::string& instance, const std::vector<std::string>& lines) {
    const std::string begin = fmt::format("# begin drover {}\n", instance);
    const std::string end = fmt::format("# end drover {}\n", instance);
    std::string rest = text;
    if (const auto from = rest.find(begin); from != std::string::npos) {
        const auto to = rest.find(end, from);
        rest.erase(from, to == std::string::npos ? std::string::npos : to + end.size() - from);
    }
    if (lines.empty()) return rest;
    if (!rest.empty() && rest.back() != '\n') rest += '\n';
    return fmt::format("{}{}{}\n{}", rest, begin, fmt::join(lines, "\n"), end);
}

HostName known_as(const Guest& guest, const NetworkPlan& networks) {
    return {.address = guest.address,
            .name = guest.name,
            .address6 = networks.address6(guest.network, guest.address),
            .mac = guest.profile == cloud_profile ? mac_of(guest.id) : ""};
}

Names::Names(Networks& networks, std::string instance, std::string domain, std::string hosts_file)
    : networks_(networks),
      instance_(std::move(instance)),
      domain_(std::move(domain)),
      hosts_file_(std::move(hosts_file)) {}

void Names::replace(const std::function<std::vector<HostName>()>& wanted) {
    auto names = names_.lock();
    names->clear();
    for (const HostName& host : wanted()) names->emplace(host.address, host);
    const std::vector<HostName> present = networks_.names();
    for (const HostName& host : present) {
        const auto known = names->find(host.address);
        if (known == names->end() || known->second != host) networks_.remove_name(host.address);
    }
    const std::set<HostName> there(present.begin(), present.end());
    for (const auto& [address, host] : *names) {
        if (!there.contains(host)) networks_.add_name(host);
    }
    write_block(*names);
}

void Names::add(const HostName& host) {
    auto names = names_.lock();
    if (const auto known = names->find(host.address); known != names->end() && known->second == host) return;
    networks_.add_name(host);
    (*names)[host.address] = host;
    write_block(*names);
}

void Names::remove(Address address) {
    auto names = names_.lock();
    networks_.remove_name(address);
    if (names->erase(address) > 0) write_block(*names);
}

void Names::withdraw() { write_block({}); }

void Names::write_block(const std::map<Address, HostName>& names) const {
    if (hosts_file_.empty()) return;
    std::vector<std::string> lines;
    for (const auto& [address, host] : names) {
        lines.push_back(fmt::format("{} {} {}.{}", to_text(address), host.name, host.name, domain_));
        if (host.address6)
            lines.push_back(fmt::format("{} {} {}.{}", to_text(*host.address6), host.name, host.name, domain_));
    }
    const std::string text = read_text(hosts_file_);
    if (const std::string changed = with_block(text, instance_, lines); changed != text) {
        replace_file(hosts_file_, changed);
    }
}

}  // namespace drover
