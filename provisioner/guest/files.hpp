#pragma once
#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

/// Files of the guest, handled so that a power cut leaves the old or the new content. One thread.
namespace drover::guest {

/// Error{failed}: `what`, and the text of errno.
[[noreturn]] void fail(const std::string& what);

/// The whole file; nothing when there is none. Error{failed} when it is there and cannot be read.
std::optional<std::string> read_if_there(const std::filesystem::path& path);

/// When what is written lies on the disk: with each file, or once somebody calls sync_file_system() for all of them,
/// which is much less work. Until then a power cut leaves the old or the new content, or an empty file where none was.
enum class Durable { at_once, later };

/// Sees to it that the file has this content and mode: writes aside and renames. A file that is itself a mount
/// point, or lies in a read-only folder, cannot be replaced and is written in place. One that only grows is appended to
/// where that may be durable later. Returns whether it changed.
bool put_file(const std::filesystem::path& path, std::string_view content, mode_t mode,
              Durable when = Durable::at_once);

/// Content and mode into the file that is there: for one that somebody has mounted elsewhere, or open.
void overwrite(const std::filesystem::path& path, std::string_view content, mode_t mode,
               Durable when = Durable::at_once);

/// Where a path of the guest lies in this folder.
std::filesystem::path below(const std::filesystem::path& folder, const std::string& path);

/// Whether anything is there, a link that leads nowhere included; whether it is a folder itself and no link to one.
bool is_there(const std::filesystem::path& path);
bool is_folder(const std::filesystem::path& path);

/// Brings all that was written to the file system of this folder down to the disk.
void sync_file_system(const std::filesystem::path& path);

/// The folder, made with this mode when it is not there.
void put_folder(const std::filesystem::path& path, mode_t mode);

/// The text with one tagged block in it that says `block`: the block that is there is replaced, else it is appended;
/// everything around it belongs to the user and stays.
std::string with_block(const std::string& text, const std::string& block);

/// What is the user's in a text that with_block() made.
std::string without_block(const std::string& text);

}  // namespace drover::guest
