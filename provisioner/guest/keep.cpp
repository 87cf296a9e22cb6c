#include "guest/keep.hpp"

#include <algorithm>

#include "guest/files.hpp"
#include "guest/seed.hpp"

namespace fs = std::filesystem;

namespace drover::guest {
namespace {

constexpr const char* record = "overlay";  ///< in the guest's end's own folder: the number that it was done for

bool leads_to(const std::string& path, const std::string& kept) { return kept.starts_with(path + "/"); }

void prune(const fs::path& folder, const std::string& path, const std::vector<std::string>& kept) {
    for (const auto& entry : fs::directory_iterator(folder)) {
        const auto here = path + "/" + entry.path().filename().string();
        if (std::find(kept.begin(), kept.end(), here) != kept.end()) continue;
        const bool leads =
            std::any_of(kept.begin(), kept.end(), [&](const std::string& other) { return leads_to(here, other); });
        if (leads && entry.symlink_status().type() == fs::file_type::directory)
            prune(entry.path(), here, kept);
        else
            fs::remove_all(entry.path());
    }
}

}  // namespace

void leave_only(const Keep& keep, const fs::path& overlay) {
    const auto own = overlay / own_folder;
    const auto number = std::to_string(keep.overlay);
    if (keep.overlay == 0 || read_if_there(own / record) == number) return;
    prune(overlay, "", keep.paths);
    put_folder(own, 0700);
    put_file(own / record, number, 0600);
}

}  // namespace drover::guest
