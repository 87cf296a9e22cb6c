#include "fsck/root_folder.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace drover::fsck {
namespace fs = std::filesystem;
namespace {

bool has_size(const fs::path& file, const nlohmann::json& bytes) {
    std::error_code absent;
    return fs::is_regular_file(file, absent) && bytes.is_number_unsigned() &&
           fs::file_size(file, absent) == bytes.get<std::uintmax_t>();
}

}  // namespace

bool is_whole_root(const fs::path& folder) {
    constexpr std::array parts{"root.squashfs", "vmlinuz", "initrd"};
    std::ostringstream text;  // which, unlike a parser, takes what cannot be read, such as a folder, for empty
    text << std::ifstream(folder / "manifest.json").rdbuf();
    if (!text.str().ends_with('\n')) return false;  // cut, though what is left may be whole JSON
    const auto manifest = nlohmann::json::parse(text.str(), nullptr, false);
    return std::all_of(parts.begin(), parts.end(), [&](const char* part) {
        const auto bytes = nlohmann::json::json_pointer(std::string("/files/") + part + "/bytes");
        return manifest.is_object() && manifest.contains(bytes) && has_size(folder / part, manifest.at(bytes));
    });
}

}  // namespace drover::fsck
