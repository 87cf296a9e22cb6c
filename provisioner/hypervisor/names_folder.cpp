#include "hypervisor/names_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "model/error.hpp"
#include "model/unique_fd.hpp"

namespace drover {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(const std::string& path) {
    throw Error(ErrorKind::failed, fmt::format("{}: {}", path, std::strerror(errno)));
}

// The server adds the network's domain to a name without one.
std::string lines_of(const HostName& host) {
    auto lines = fmt::format("{} {}\n", to_text(host.address), host.name);
    if (host.address6) lines += fmt::format("{} {}\n", to_text(*host.address6), host.name);
    return lines;
}

std::string reservation_of(const HostName& host) {
    return fmt::format("{},{},{},infinite\n", host.mac, to_text(host.address), host.name);
}

std::string text_of(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
}

// A line is all that a name may become.
void check_name(const std::string& name) {
    const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '.'; };
    if (name.empty() || !std::all_of(name.begin(), name.end(), fits))
        throw Error(ErrorKind::usage, fmt::format("'{}' is no name of a host", name));
}

void write_file(const std::string& path, const std::string& text) {
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    // Whatever the umask is.
    if (!file || ::fchmod(file.get(), 0644) != 0) fail(path);
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) fail(path);
}

std::optional<Address> address_in(const std::string& file_name) {
    try {
        const auto address = parse_address(file_name);
        return to_text(address) == file_name ? std::optional(address) : std::nullopt;
    } catch (const Error&) {
        return std::nullopt;
    }
}

/// What the file says of its address; without a name when it does not say just that.
HostName entry_in(const fs::path& file, Address address) {
    const auto text = text_of(file);
    std::istringstream words(text);
    HostName host{address, ""};
    std::string skipped, second;
    words >> skipped >> host.name;
    try {
        if (words >> second) host.address6 = parse_address6(second);
    } catch (const Error&) {
        return {address, ""};
    }
    return text == lines_of(host) ? host : HostName{address, ""};
}

std::string name_in(const fs::path& file, Address address) { return entry_in(file, address).name; }

/// All files of a folder that are called by an address; of a folder that is not there: none.
template <typename Take> void for_each_address(const std::string& folder, const Take& take) {
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
        if (const auto address = address_in(at->path().filename())) take(at->path(), *address);
    if (error && error != std::errc::no_such_file_or_directory)
        throw Error(ErrorKind::failed, fmt::format("{}: {}", folder, error.message()));
}

void unlink_if_there(const std::string& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail(path);
}

}  // namespace

NamesFolder::NamesFolder(std::string path, std::string reservations)
    : path_(std::move(path)), reservations_(std::move(reservations)) {}

void NamesFolder::make() {
    for (const auto& path : {path_, reservations_}) {
        std::error_code error;
        fs::create_directories(path, error);
        if (::chmod(path.c_str(), 0755) != 0) fail(path);
    }
}

void NamesFolder::remove() {
    auto known = known_.lock();
    known->reset();
    for (const auto& path : {path_, reservations_}) {
        std::error_code error;
        fs::remove(path + ".new", error);
        fs::remove_all(path, error);
        if (error) throw Error(ErrorKind::failed, fmt::format("{}: {}", path, error.message()));
    }
}

// Aside is outside of the folder: the server is told of one change and not of two, of which it can have only so many
// before it.
void NamesFolder::put(const HostName& host) {
    check_name(host.name);
    put_reservation(host);
    auto known = known_.lock();
    if (!*known) read_into(*known);
    const std::string aside = path_ + ".new";
    write_file(aside, lines_of(host));
    const auto other = (*known)->find(host.name);
    if (other != (*known)->end() && other->second != host.address && has_name(other->second, host.name))
        unlink_file(other->second);
    forget(*known, host.address);
    if (::rename(aside.c_str(), file_of(host.address).c_str()) != 0) fail(file_of(host.address));
    (*known)->insert_or_assign(host.name, host.address);
}

void NamesFolder::drop(Address address) {
    auto known = known_.lock();
    forget(*known, address);
    unlink_file(address);
    unlink_if_there(fmt::format("{}/{}", reservations_, to_text(address)));
}

// One that went is forgotten with the next SIGHUP, which each ensure() sends; an address rests longer than that.
void NamesFolder::put_reservation(const HostName& host) const {
    const auto path = fmt::format("{}/{}", reservations_, to_text(host.address));
    if (host.mac.empty()) return unlink_if_there(path);
    const auto text = reservation_of(host);
    if (text_of(path) == text) return;
    const std::string aside = reservations_ + ".new";
    write_file(aside, text);
    if (::rename(aside.c_str(), path.c_str()) != 0) fail(path);
}

/// To those whose file says just what belongs to them; a file of anything else is nobody's.
void NamesFolder::add_reservations(std::vector<HostName>& hosts) const {
    for_each_address(reservations_, [&](const fs::path& file, Address address) {
        const auto text = text_of(file);
        const auto host = std::ranges::lower_bound(hosts, address, {}, &HostName::address);
        if (host == hosts.end() || host->address != address) {
            hosts.insert(host, {address, ""});
            return;
        }
        HostName reserved = *host;
        reserved.mac = text.substr(0, text.find(','));
        *host = text == reservation_of(reserved) ? reserved : HostName{address, ""};
    });
}

std::vector<HostName> NamesFolder::read() {
    auto known = known_.lock();
    return read_into(*known);
}

std::vector<HostName> NamesFolder::read_into(Known& known) const {
    std::vector<HostName> all;
    for_each_address(path_, [&](const fs::path& file, Address address) { all.push_back(entry_in(file, address)); });
    std::sort(all.begin(), all.end());
    known.emplace();
    for (const auto& host : all) known->insert_or_assign(host.name, host.address);
    add_reservations(all);
    return all;
}

void NamesFolder::forget(Known& known, Address address) const {
    if (!known) return;
    const auto entry = known->find(name_in(file_of(address), address));
    if (entry != known->end() && entry->second == address) known->erase(entry);
}

// Others may have changed the file since.
bool NamesFolder::has_name(Address address, const std::string& name) const {
    return name_in(file_of(address), address) == name;
}

void NamesFolder::unlink_file(Address address) const { unlink_if_there(file_of(address)); }

std::string NamesFolder::file_of(Address address) const { return fmt::format("{}/{}", path_, to_text(address)); }

}  // namespace drover
