#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What of a guest's own hides what a new root has: the words that host and guest share. Pure.
namespace drover {

/// How many paths a guest is asked about at most.
inline constexpr std::size_t most_questions = 4096;

/// What is at a path of a root, as far as one can tell it apart from what is there in another.
struct FileForm {
    enum class Kind { absent, folder, file, link, other };
    Kind kind = Kind::absent;
    std::uint32_t mode = 0, uid = 0, gid = 0;  ///< permission bits alone
    std::uint64_t size = 0;                    ///< of a file, or of a link's target
    std::string digest{};                      ///< 16 hex digits of SHA-256 over the same; empty for all else

    [[nodiscard]] bool there() const { return kind != Kind::absent; }
    [[nodiscard]] bool is_folder() const { return kind == Kind::folder; }
    bool operator==(const FileForm&) const = default;
};
/// How many digits of a SHA-256 a form has.
inline constexpr std::size_t form_digits = 16;

/// "-", "d:755:0:0", "f:644:0:0:1234:0123456789abcdef", "l:..." likewise, "o:600:0:0".
std::string to_text(const FileForm& form);
/// Nothing unless `text` is exactly what to_text() writes.
std::optional<FileForm> parse_file_form(std::string_view text);

/// Whether this is an absolute path without empty parts, "." and "..".
bool is_plain_path(std::string_view path);

/// A path and what two roots have there.
struct PathChange {
    std::string path;
    FileForm was, is;

    bool operator==(const PathChange&) const = default;
};

/// How a guest hides what the root has at a path: by a version of its own, because it deleted it, by a folder that it
/// made anew, by something else in its place, or by a copy that was seeded and never touched.
enum class Hiding { edited, deleted, opaque, replaced, copy };
std::string_view to_text(Hiding how);
/// Nothing for an unknown word.
std::optional<Hiding> hiding_named(std::string_view word);

/// A path of a guest's that hides the root's.
struct Shadow {
    std::string path;
    Hiding how = Hiding::edited;

    /// A copy lies there because the profile says so, all else because of what somebody did in the guest.
    [[nodiscard]] bool made_by_user() const { return how != Hiding::copy; }
    bool operator==(const Shadow&) const = default;
};

/// What an upgrade does about shadows: tell, leave such a guest as it is, or have the new root's files take their
/// place.
enum class ShadowPolicy { warn, hold, reset_path };
std::string_view to_text(ShadowPolicy policy);
ShadowPolicy parse_shadow_policy(std::string_view text);

}  // namespace drover
