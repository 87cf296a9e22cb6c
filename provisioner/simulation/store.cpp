#include "simulation/store.hpp"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <fstream>

#include "model/error.hpp"

namespace drover {
namespace fs = std::filesystem;

Store::Store(std::string folder, std::string kind) : folder_(std::move(folder)), kind_(std::move(kind)) {
    if (!folder_.empty()) fs::create_directories(folder_);
}

void Store::keep(GuestId id, const nlohmann::json& what) const {
    if (folder_.empty()) return;
    const auto part = file(id) + ".part";
    std::ofstream(part) << what;
    fs::rename(part, file(id));
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
