#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace drover {

/// The few bytes of a fresh qcow2 file: what is not in `pieces` is a hole.
struct SparseImage {
    struct Piece {
        std::int64_t offset = 0;
        std::string bytes;

        bool operator==(const Piece&) const = default;
    };
    std::vector<Piece> pieces;
    std::int64_t size = 0;  ///< of the file

    bool operator==(const SparseImage&) const = default;
};

/// Reads a file without its 4 KiB blocks of zeros. Error{failed} naming it.
SparseImage read_sparse(const std::filesystem::path& file);
/// Writes all of `image` to an empty open file; not synced. Error{failed} naming `path`.
void write_sparse(int fd, const SparseImage& image, const std::filesystem::path& path);

/// The backing file that the header of a qcow2 file names; empty: none. It is only what the file says: whoever can
/// write the file can write any name. Error{failed} when the file is no qcow2.
std::string backing_file(const std::filesystem::path& file);

/// How large the disk is that a qcow2 file holds, in bytes. Error{failed} when the file is no qcow2.
std::int64_t virtual_size(const std::filesystem::path& file);

/// Whether a file may name another that backs it.
enum class Backing { allowed, refused };

/// Error{refused} naming the file unless it is a qcow2 that QEMU reads without opening files that its header names:
/// no external data file, not encrypted, no feature that is unknown here, and backed by none unless that is allowed.
/// Of the format of QEMU's docs/interop/qcow2.txt.
void expect_plain_qcow2(const std::filesystem::path& file, Backing backing);

}  // namespace drover
