#include "guest/reset.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "control/codec.hpp"
#include "guest/copy.hpp"
#include "guest/files.hpp"
#include "guest/init.hpp"
#include "guest/seed.hpp"
#include "guest/shadows.hpp"
#include "model/error.hpp"
#include "model/unique_fd.hpp"

namespace fs = std::filesystem;

namespace drover::guest {
namespace {

constexpr const char* list_name = "reset";

fs::path below(const fs::path& folder, const std::string& path) { return folder / fs::path(path).relative_path(); }

bool is_there(const fs::path& path) { return fs::exists(fs::symlink_status(path)); }

bool is_folder(const fs::path& path) { return fs::is_directory(fs::symlink_status(path)); }

void sync_file_system(const fs::path& path) {
    const UniqueFd folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || syncfs(folder.get()) != 0) fail("cannot sync " + path.string());
}

std::vector<PathChange> read_list(const fs::path& state) {
    std::vector<PathChange> changes;
    control::LineReader reader(false);
    for (const auto& line : reader.feed(read_if_there(state / list_name).value_or(""))) {
        const auto message = control::decode_from_daemon(line);
        const auto* path = message ? std::get_if<control::Path>(&*message) : nullptr;
        if (path != nullptr) changes.push_back(path->change);
    }
    return changes;
}

class Resetter {
  public:
    Resetter(fs::path root, fs::path overlay)
        : root_(std::move(root)), overlay_(std::move(overlay)), state_(overlay_ / own_folder / "state") {}

    [[nodiscard]] const fs::path& state() const { return state_; }

    /// Whether this is the root that the change is about.
    [[nodiscard]] bool is_due(const PathChange& change) const {
        return look_at(below(root_, change.path), change).form == change.is;
    }

    void reset(const Region& region, const PathChange& change) {
        for (const auto& step : steps_to(region, change.path)) {
            if (step == change.path) return reset_last(region, change);
            if (region.kind == Region::Kind::merged_folder ? !uncover_folder(step) : !have_folder(step)) return;
        }
    }

  private:
    /// A folder on the way, so that what the root has in it shows; false: now all of it does.
    bool uncover_folder(const std::string& step) {
        const auto own = below(overlay_, step);
        if (!is_there(own)) return false;
        if (!is_folder(own)) return set_aside(step), false;
        for (const char* mark : opaque_marks)
            if (is_opaque(own) && lremovexattr(own.c_str(), mark) != 0 && errno != ENODATA && errno != EPERM)
                fail("cannot uncover " + own.string());
        return true;
    }

    /// A folder on the way, where all is the guest's own; false: neither has one.
    bool have_folder(const std::string& step) {
        if (is_folder(below(overlay_, step))) return true;
        if (!is_folder(below(root_, step))) return false;
        set_aside(step);
        copy_alone(below(root_, step), below(overlay_, step));
        return true;
    }

    void reset_last(const Region& region, const PathChange& change) {
        const auto own = below(overlay_, change.path);
        const auto form = look_at(own, change).form;
        if (form == change.is || (form.is_folder() && !change.is.there())) return;
        if (form.is_folder() && change.is.is_folder()) return match_folder(own, change.is);
        if (region.kind == Region::Kind::merged_folder || !change.is.there()) return set_aside(change.path);
        const auto incoming = overlay_ / own_folder / "reset-incoming";
        fs::remove_all(incoming);  // of a run that was cut short
        copy_alone(below(root_, change.path), incoming);
        set_aside(change.path);
        if (rename(incoming.c_str(), own.c_str()) != 0) fail("cannot put in place " + own.string());
    }

    static void match_folder(const fs::path& own, const FileForm& form) {
        if (lchown(own.c_str(), form.uid, form.gid) != 0 || chmod(own.c_str(), form.mode) != 0)
            fail("cannot set owner and mode of " + own.string());
    }

    /// Into a folder of this run's. Nothing there: nothing to do.
    void set_aside(const std::string& path) {
        const auto own = below(overlay_, path);
        if (!is_there(own)) return;
        for (int n = 1; aside_.empty(); ++n)
            if (const auto free = state_ / "aside" / std::to_string(n); !is_there(free)) aside_ = free;
        const auto to = below(aside_, path);
        fs::create_directories(to.parent_path());
        if (rename(own.c_str(), to.c_str()) != 0) fail("cannot set aside " + own.string());
    }

    fs::path root_, overlay_, state_, aside_;
};

void reset_noted(const Profile& profile, const fs::path& root, const fs::path& overlay) {
    Resetter resetter(root, overlay);
    std::vector<PathChange> left;
    const auto noted = read_list(resetter.state());
    for (const auto& change : noted) {
        if (!resetter.is_due(change))
            left.push_back(change);
        else if (const auto region = region_of(profile, root, change.path))
            resetter.reset(*region, change);
    }
    if (left.size() == noted.size()) return;
    sync_file_system(overlay);
    put_reset_list(resetter.state(), left);
    say("given back to the root: " + std::to_string(noted.size() - left.size()) + " paths");
}

}  // namespace

void put_reset_list(const fs::path& state, const std::vector<PathChange>& changes) {
    std::string lines;
    for (const auto& change : changes) lines += control::encode(control::FromDaemon(control::Path{0, change}));
    if (!lines.empty() || is_there(state / list_name)) put_file(state / list_name, lines, 0600);
}

void reset_paths(const Profile& profile, const fs::path& root, const fs::path& overlay) try {
    reset_noted(profile, root, overlay);
} catch (const std::exception& error) {
    say(std::string("giving paths back to the root: ") + error.what());
}

}  // namespace drover::guest
