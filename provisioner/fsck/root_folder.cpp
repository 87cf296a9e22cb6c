#include "fsck/root_folder.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace drover::fsck {
namespace fs = std::filesystem;
namespace {

constexpr const char* manifest_file = "manifest.json";
constexpr const char* cloud_disk = "disk.qcow2";

/// The files that a version has: a cloud image's is one.
std::vector<const char*> parts_of(const nlohmann::json& manifest) {
    const nlohmann::json::json_pointer files("/files");
    if (manifest.is_object() && manifest.contains(files) && manifest.at(files).contains(cloud_disk))
        return {cloud_disk};
    return {"root.squashfs", "vmlinuz", "initrd"};
}

bool has_size(const fs::path& file, const nlohmann::json& bytes) {
    std::error_code absent;
    return fs::is_regular_file(file, absent) && bytes.is_number_unsigned() &&
           fs::file_size(file, absent) == bytes.get<std::uintmax_t>();
}

/// All of a file; nothing for what cannot be read, such as a folder.
std::string text_of(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return std::move(text).str();
}

/// SHA-256 in hex.
std::string sum_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    std::vector<char> piece(1 << 18);
    while (in) {
        in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        const auto* bytes = reinterpret_cast<const unsigned char*>(piece.data());
        crypto_hash_sha256_update(&state, bytes, static_cast<unsigned long long>(in.gcount()));
    }
    std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
    std::array<char, 2 * crypto_hash_sha256_BYTES + 1> hex{};
    crypto_hash_sha256_final(&state, hash.data());
    return sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
}

}  // namespace

bool is_whole_root(const fs::path& folder) {
    const auto text = text_of(folder / manifest_file);
    if (!text.ends_with('\n')) return false;  // cut, though what is left may be whole JSON
    const auto manifest = nlohmann::json::parse(text, nullptr, false);
    const auto parts = parts_of(manifest);
    return std::all_of(parts.begin(), parts.end(), [&](const char* part) {
        const auto bytes = nlohmann::json::json_pointer(std::string("/files/") + part + "/bytes");
        return manifest.is_object() && manifest.contains(bytes) && has_size(folder / part, manifest.at(bytes));
    });
}

std::string damaged_part(const fs::path& folder) {
    const auto manifest = nlohmann::json::parse(text_of(folder / manifest_file), nullptr, false);
    for (const auto* part : parts_of(manifest)) {
        const auto sum = nlohmann::json::json_pointer(std::string("/files/") + part + "/sha256");
        const bool is_right =
            manifest.is_object() && manifest.contains(sum) && manifest.at(sum) == sum_of(folder / part);
        if (!is_right && fs::exists(folder)) return part;  // else it was removed meanwhile
    }
    return "";
}

bool is_cloud_root(const fs::path& folder) {
    const auto manifest = nlohmann::json::parse(text_of(folder / manifest_file), nullptr, false);
    return parts_of(manifest).front() == std::string_view(cloud_disk);
}

}  // namespace drover::fsck
