#include "simulation/store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "model/error.hpp"
#include "model/unique_fd.hpp"

namespace drover {
namespace fs = std::filesystem;

namespace {

/// All files are as long as this: the next text covers the one before with one write, which nothing cuts short.
constexpr std::size_t room = 4096;

}  // namespace

Store::Store(std::string folder, std::string kind) : folder_(std::move(folder)), kind_(std::move(kind)) {
    if (!folder_.empty()) fs::create_directories(folder_);
}

/// A new file is there with all of its text or not at all, for whoever looks after this process was killed.
void Store::keep(GuestId id, const nlohmann::json& what) const {
    if (folder_.empty()) return;
    auto text = what.dump();
    text.resize(std::max(room, text.size()), ' ');
    const auto name = file(id), fresh = name + ".new";
    UniqueFd fd(::open(name.c_str(), O_WRONLY | O_CLOEXEC));
    const bool is_new = !fd;
    if (is_new) fd = UniqueFd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const bool written = fd && ::pwrite(fd.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
    if (!written || (is_new && ::rename(fresh.c_str(), name.c_str()) != 0))
        throw Error(ErrorKind::failed, fmt::format("cannot write {}: {}", name, std::strerror(errno)));
}

nlohmann::json Store::recall(GuestId id) const {
    if (folder_.empty() || !fs::exists(file(id))) return nullptr;
    std::ifstream in(file(id));
    return nlohmann::json::parse(in);
}

void Store::forget(GuestId id) const {
    if (!folder_.empty()) fs::remove(file(id));
}

std::vector<GuestId> Store::ids() const {
    std::vector<GuestId> ids;
    if (folder_.empty()) return ids;
    for (const auto& entry : fs::directory_iterator(folder_)) {
        const auto name = entry.path().filename().string();
        GuestId id = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
        if (error == std::errc() && std::string_view(end) == "." + kind_ + ".json") ids.push_back(id);
    }
    return ids;
}

std::string Store::file(GuestId id) const { return fmt::format("{}/{}.{}.json", folder_, id, kind_); }

}  // namespace drover
