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
std::string line_of(const HostName& host) { return fmt::format("{} {}\n", to_text(host.address), host.name); }

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

std::string name_in(const fs::path& file, Address address) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    std::istringstream words(text.str());
    HostName host{address, ""};
    std::string skipped;
    words >> skipped >> host.name;
    return text.str() == line_of(host) ? host.name : "";
}

}  // namespace

NamesFolder::NamesFolder(std::string path) : path_(std::move(path)) {}

void NamesFolder::make() {
    std::error_code error;
    fs::create_directories(path_, error);
    if (::chmod(path_.c_str(), 0755) != 0) fail(path_);
}

void NamesFolder::remove() {
    auto known = known_.lock();
    std::error_code error;
    fs::remove(path_ + ".new", error);
    fs::remove_all(path_, error);
    known->reset();
    if (error) throw Error(ErrorKind::failed, fmt::format("{}: {}", path_, error.message()));
}

// Aside is outside of the folder: the server is told of one change and not of two, of which it can have only so many
// before it.
void NamesFolder::put(const HostName& host) {
    check_name(host.name);
    auto known = known_.lock();
    if (!*known) read_into(*known);
    const std::string aside = path_ + ".new";
    write_file(aside, line_of(host));
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
}

std::vector<HostName> NamesFolder::read() {
    auto known = known_.lock();
    return read_into(*known);
}

std::vector<HostName> NamesFolder::read_into(Known& known) const {
    std::vector<HostName> all;
    std::error_code error;
    for (fs::directory_iterator at(path_, error), end; !error && at != end; at.increment(error))
        if (const auto address = address_in(at->path().filename()))
            all.push_back({*address, name_in(at->path(), *address)});
    if (error && error != std::errc::no_such_file_or_directory)
        throw Error(ErrorKind::failed, fmt::format("{}: {}", path_, error.message()));
    std::sort(all.begin(), all.end());
    known.emplace();
    for (const auto& host : all) known->insert_or_assign(host.name, host.address);
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

void NamesFolder::unlink_file(Address address) const {
    if (::unlink(file_of(address).c_str()) != 0 && errno != ENOENT) fail(file_of(address));
}

std::string NamesFolder::file_of(Address address) const { return fmt::format("{}/{}", path_, to_text(address)); }

}  // namespace drover
