#include "storage/qcow2.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "model/unique_fd.hpp"
#include "storage/durable.hpp"

namespace drover {
namespace {

constexpr int block = 4096;
constexpr std::uint64_t longest_name = 1023;  // the format's own limit
constexpr std::uint64_t longest_disk = 1ULL << 44;

bool is_zero(std::string_view bytes) { return bytes.find_first_not_of('\0') == std::string_view::npos; }

std::uint64_t big_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
    return value;
}

std::string read_at(int fd, std::uint64_t offset, std::size_t size, const std::filesystem::path& path) {
    std::string bytes(size, '\0');
    const auto n = ::pread(fd, bytes.data(), size, static_cast<off_t>(offset));
    if (n < 0) throw_errno("read", path);
    bytes.resize(static_cast<std::size_t>(n));
    return bytes;
}

UniqueFd open_file(const std::filesystem::path& file) {
    UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd) throw_errno("read", file);
    return fd;
}

/// Magic, version, offset and size of the backing file's name, bits of a cluster, size of the disk.
std::string begin_of(const UniqueFd& fd, const std::filesystem::path& file) {
    auto begin = read_at(fd.get(), 0, 32, file);
    if (begin.size() == 32 && begin.starts_with("QFI\xfb")) return begin;
    throw Error(ErrorKind::failed, fmt::format("'{}' is no qcow2 file", file.string()));
}

}  // namespace

SparseImage read_sparse(const std::filesystem::path& file) {
    const auto fd = open_file(file);
    SparseImage image{{}, ::lseek(fd.get(), 0, SEEK_END)};
    for (off_t at = 0; (at = ::lseek(fd.get(), at, SEEK_DATA)) >= 0;)  // at the last hole: no such place
        for (const auto end = ::lseek(fd.get(), at, SEEK_HOLE); at < end; at += block) {
            auto piece = read_at(fd.get(), static_cast<std::uint64_t>(at), block, file);
            if (!is_zero(piece)) image.pieces.push_back({at, std::move(piece)});
        }
    return image;
}

void write_sparse(int fd, const SparseImage& image, const std::filesystem::path& path) {
    for (const auto& piece : image.pieces)
        for (std::size_t done = 0; done < piece.bytes.size();) {
            const auto n = ::pwrite(fd, piece.bytes.data() + done, piece.bytes.size() - done,
                                    piece.offset + static_cast<off_t>(done));
            if (n < 0 && errno != EINTR) throw_errno("write", path);
            if (n > 0) done += static_cast<std::size_t>(n);
        }
    if (::ftruncate(fd, image.size) != 0) throw_errno("write", path);
}

void expect_plain_qcow2(const std::filesystem::path& file, Backing backing) {
    constexpr std::uint64_t dirty = 1, compression_type = 8, extended_l2 = 16;
    const auto fd = open_file(file);
    const auto header = read_at(fd.get(), 0, 104, file);
    const auto number = [&](std::size_t offset, std::size_t size) {
        return big_endian(std::string_view(header).substr(offset, size));
    };
    const auto refuse = [&](const char* why) {
        throw Error(ErrorKind::refused, fmt::format("'{}' {}", file.string(), why),
                    "make a plain one of it: qemu-img convert -O qcow2");
    };
    if (header.size() < 104 || !header.starts_with("QFI\xfb") || number(4, 4) < 2 || number(4, 4) > 3)
        refuse("is no qcow2 file");
    if (number(32, 4) != 0) refuse("is encrypted");
    const auto features = number(4, 4) == 3 ? number(72, 8) : 0;
    if ((features & 4) != 0) refuse("keeps its data in another file");
    if ((features & ~(dirty | compression_type | extended_l2)) != 0)
        refuse("is broken, or has features that are unknown");
    if (backing == Backing::refused && number(8, 8) != 0) refuse("names a file that backs it");
}

std::int64_t virtual_size(const std::filesystem::path& file) {
    const auto size = big_endian(begin_of(open_file(file), file).substr(24, 8));
    if (size > longest_disk) throw Error(ErrorKind::failed, fmt::format("'{}' has a broken header", file.string()));
    return static_cast<std::int64_t>(size);
}

std::string backing_file(const std::filesystem::path& file) {
    const auto fd = open_file(file);
    const auto begin = begin_of(fd, file);
    const auto whole = std::string_view(begin);
    const auto size = big_endian(whole.substr(16, 4));
    if (size > longest_name) throw Error(ErrorKind::failed, fmt::format("'{}' has a broken header", file.string()));
    return read_at(fd.get(), big_endian(whole.substr(8, 8)), size, file);
}

}  // namespace drover
