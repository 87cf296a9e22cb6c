#include "fsck/overlay_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "fsck/checks.hpp"
#include "model/unique_fd.hpp"

namespace drover::fsck {
namespace fs = std::filesystem;
namespace {

/// The beginning of the file, as far as it goes: the header, and behind it in the first cluster the backing file's
/// name.
using Beginning = std::array<unsigned char, 4096>;

std::uint64_t big_endian(const Beginning& bytes, std::size_t offset, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8U | bytes.at(offset + i);
    return value;
}

/// Whether a table of the header reaches beyond the end of the file.
bool is_cut(std::uint64_t offset, std::uint64_t bytes, std::uint64_t size) {
    return offset > size || bytes > size - offset;
}

/// The file that backs it; empty: none that its first bytes name.
std::string backing_file(const Beginning& bytes) {
    const auto offset = big_endian(bytes, 8, 8), length = big_endian(bytes, 16, 4);
    if (length == 0 || offset > bytes.size() || length > bytes.size() - offset) return "";
    return {bytes.begin() + static_cast<std::ptrdiff_t>(offset),
            bytes.begin() + static_cast<std::ptrdiff_t>(offset + length)};
}

// Of the format of QEMU's docs/interop/qcow2.txt: its magic, version, size of clusters, and the two first tables.
std::string flaw_of(const Beginning& bytes, std::uint64_t size) {
    const auto cluster_bits = big_endian(bytes, 20, 4);
    if (big_endian(bytes, 0, 4) != 0x514649fbU || big_endian(bytes, 4, 4) - 2 > 1 || cluster_bits < 9 ||
        cluster_bits > 21)
        return "is no qcow2";
    const auto l1_bytes = big_endian(bytes, 36, 4) * 8, refcount_bytes = big_endian(bytes, 56, 4) << cluster_bits;
    if (is_cut(big_endian(bytes, 40, 8), l1_bytes, size) || is_cut(big_endian(bytes, 48, 8), refcount_bytes, size))
        return "is cut short";
    const auto base = backing_file(bytes);
    std::error_code absent;
    if (big_endian(bytes, 8, 8) == 0) return "";  // nothing backs one that was imported
    if (base.empty() || !fs::is_regular_file(base, absent) || fs::file_size(base, absent) == 0)
        return fmt::format("has lost what backs it, {}", printable(base));
    return "";
}

// Of ext4: the magic of its superblock, and how many blocks of which size it says it has.
std::string flaw_of_image(const Beginning& bytes, std::uint64_t size) {
    constexpr std::size_t superblock = 1024;
    const auto number = [&](std::size_t offset, std::size_t width) {
        std::uint64_t value = 0;
        while (width-- > 0) value = value << 8U | bytes.at(superblock + offset + width);
        return value;
    };
    if (number(56, 2) != 0xef53U || number(24, 4) > 6) return "is no ext4";
    return is_cut(0, number(4, 4) << (10 + number(24, 4)), size) ? "is cut short" : "";
}

}  // namespace

std::string flaw_of_overlay(const fs::path& file) {
    struct stat status {};
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return "is no file";
    if (status.st_size == 0) return "is empty";
    Beginning bytes{};
    if (::pread(fd.get(), bytes.data(), bytes.size(), 0) < 0) return "cannot be read";
    const bool is_image = file.extension() == ".img" || (file.extension().empty() && bytes.at(0) != 'Q');
    const auto flaw = is_image ? flaw_of_image : flaw_of;
    return flaw(bytes, static_cast<std::uint64_t>(status.st_size));
}

}  // namespace drover::fsck
