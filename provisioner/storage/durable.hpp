#pragma once
#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "model/error.hpp"
#include "process/process.hpp"

/// Files and folders that are still there after a power cut. Every function throws Error{failed} naming the path, or
/// DiskFull.
namespace drover {

/// Error{unavailable}: there is no space. Nobody's fault but the disk's: the same works when there is room again.
class DiskFull : public Error {
  public:
    /// While `error` happened, with its message.
    explicit DiskFull(const Error& error);
    /// Of a file system without room.
    explicit DiskFull(const std::string& what);
};

/// DiskFull when the file system of `path` has no room for even a small file.
void expect_room(const std::filesystem::path& path);

/// run_or_throw() of a program that writes to the file system of `path`: DiskFull when it failed for want of room,
/// which each program says in its own words.
void run_writer(const Command& command, const std::filesystem::path& path);

/// Error{failed} "<doing> '<path>': <what errno says>", or DiskFull where that is it.
[[noreturn]] void throw_errno(std::string_view doing, const std::filesystem::path& path);

/// All bytes of a file.
std::string read_file(const std::filesystem::path& path);
/// Makes a new file with `mode` whatever the umask, and syncs it; the folder is not synced.
void write_new_file(const std::filesystem::path& path, std::string_view bytes, mode_t mode);
/// Syncs a file or a folder.
void sync_path(const std::filesystem::path& path);
/// Makes a folder, durably; its parent exists. One that is there gets the mode.
void make_folder(const std::filesystem::path& path, mode_t mode);
/// Makes a folder and those above it.
void make_folders(const std::filesystem::path& path);
/// What a folder holds, in order.
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder);
/// Renames, durably; false, and nothing done, when `to` is there already.
bool rename_new(const std::filesystem::path& from, const std::filesystem::path& to);
/// Has two that are there take each other's name, durably and at one instant.
void exchange(const std::filesystem::path& one, const std::filesystem::path& other);
/// Removes a file or a tree, durably; absent: nothing. Follows no link.
void remove_tree(const std::filesystem::path& path);

/// A folder of its own to build something aside in; removed with all that is left in it.
class Scratch {
  public:
    /// Inside `folder`, which exists. Readable by root alone.
    explicit Scratch(const std::filesystem::path& folder);
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch();

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace drover
