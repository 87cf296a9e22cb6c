#include "guest/seed.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "guest/copy.hpp"
#include "guest/files.hpp"
#include "model/error.hpp"
#include "model/unique_fd.hpp"

namespace fs = std::filesystem;

namespace drover::guest {
namespace {

/// Whether nothing was put into the copy of a folder, or taken out of it, since it was copied: that would have given it
/// another time than that of its model.
bool is_untouched(const fs::path& copy, const fs::path& model) {
    struct stat its {};
    struct stat wanted {};
    return is_folder(copy) && lstat(copy.c_str(), &its) == 0 && lstat(model.c_str(), &wanted) == 0 &&
           its.st_mtim.tv_sec == wanted.st_mtim.tv_sec && its.st_mtim.tv_nsec == wanted.st_mtim.tv_nsec;
}

/// What was ever seeded: each path; of a folder whose content is recorded path by path also "path/"; and "=" with a
/// version whose root has nothing that is not recorded. In the file each ends by a zero, the one character that no name
/// has. Older guests' ends know of paths right below a persistent path alone, and keep what else is there.
class Record {
  public:
    explicit Record(fs::path file) : file_(std::move(file)) {
        const auto text = read_if_there(file_).value_or("");
        for (std::size_t at = 0, end = 0; (end = text.find('\0', at)) != std::string::npos; at = end + 1)
            names_.insert(text.substr(at, end - at));
    }
    [[nodiscard]] bool has(const std::string& name) const { return names_.contains(name); }
    void add(const std::string& name) { changed_ |= names_.insert(name).second; }
    /// Durable when it returns.
    void save() {
        if (!changed_) return;
        std::string text;
        for (const auto& name : names_) text.append(name).push_back('\0');
        put_file(file_, text, 0600);
        changed_ = false;
    }

  private:
    fs::path file_;
    std::set<std::string> names_;
    bool changed_ = false;
};

/// How a record says that all of a root was seeded onto these paths.
std::string whole(const std::string& version, const std::vector<std::string>& paths) {
    std::string name = "=" + version;
    for (const auto& path : paths) name += " " + path;
    return name;
}

class Seeder {
  public:
    Seeder(fs::path root, const fs::path& overlay)
        : root_(std::move(root)), overlay_(overlay), own_(overlay / own_folder), record_(own_ / "seeded") {
        put_folder(own_, 0700);
    }

    /// Each folder itself, and all below it that is new; nothing to look for when this root was gone through before.
    void add_folders(const std::vector<std::string>& paths, const std::string& version) {
        for (const auto& path : paths) {
            if (!is_folder(below(root_, path)))
                throw Error(ErrorKind::failed, "the persistent path " + path + " is no folder in this root");
            add_empty(path);
        }
        const auto all = whole(version, paths);
        if (record_.has(all)) return;
        for (const auto& path : paths) learn_below(path);
        record_.save();  // before anything is put into a folder, which gives it another time
        for (const auto& path : paths) add_below(path, true);
        if (!version.empty()) record_.add(all);
    }

    /// The folder itself, for what will be laid over the root's.
    void add_empty(const std::string& path) {
        if (!is_there(below(overlay_, path))) copy_alone(below(root_, path), stage(path));
    }

    /// A file of its own; seeded again should it be lost, because it has to be there.
    void add_file(const std::string& path) {
        if (!is_there(below(overlay_, path))) copy_tree(below(root_, path), stage(path));
        record_.add(path);
    }

    /// Puts in place what was copied, then records it.
    void finish() {
        if (!staged_.empty()) {
            sync_file_system(overlay_);
            for (std::size_t i = 0; i < staged_.size(); ++i) put_in_place(place_of(i), staged_[i]);
            sync_file_system(overlay_);
        }
        record_.save();
    }

  private:
    /// What a folder of the root holds, as paths in the guest.
    [[nodiscard]] std::vector<std::string> entries_of(const std::string& path) const {
        std::vector<std::string> entries;
        for (const auto& entry : fs::directory_iterator(below(root_, path)))
            entries.push_back((fs::path(path) / entry.path().filename()).string());
        std::sort(entries.begin(), entries.end());
        return entries;
    }

    /// Finds folders that were seeded as one and not recorded path by path.
    void learn_below(const std::string& path) {
        for (const auto& entry : entries_of(path)) {
            if (!record_.has(entry) || !is_folder(below(root_, entry))) continue;
            record_.has(entry + "/") ? learn_below(entry) : learn(entry);
        }
    }

    /// Nobody knows what the root of then had in it. What is not there now was taken away by the user, unless nothing
    /// ever was taken out of that folder: then it is new.
    void learn(const std::string& path) {
        const bool untouched = is_untouched(below(overlay_, path), below(root_, path));
        for (const auto& entry : entries_of(path)) {
            if (untouched && !is_there(below(overlay_, entry))) continue;
            record_.add(entry);
            if (is_folder(below(root_, entry))) learn(entry);
        }
        record_.add(path + "/");
    }

    /// Each path of the root is brought once. One whose folder the user took away, or has something else in the place
    /// of, has no place: it counts as brought.
    void add_below(const std::string& path, bool has_place) {
        for (const auto& entry : entries_of(path)) {
            const auto here = below(overlay_, entry);
            const bool wanted = has_place && !record_.has(entry) && !is_there(here);
            if (wanted) copy_tree(below(root_, entry), stage(entry));
            record_.add(entry);
            if (is_folder(below(root_, entry))) add_below(entry, !wanted && has_place && is_folder(here));
        }
        record_.add(path + "/");
    }

    [[nodiscard]] fs::path place_of(std::size_t index) const { return own_ / "incoming" / std::to_string(index); }
    fs::path stage(const std::string& path) {
        if (staged_.empty()) {
            fs::remove_all(own_ / "incoming");  // what a run that was cut short left behind
            put_folder(own_ / "incoming", 0700);
        }
        staged_.push_back(path);
        return place_of(staged_.size() - 1);
    }
    void put_in_place(const fs::path& from, const std::string& path) const {
        const auto to = below(overlay_, path);
        fs::create_directories(to.parent_path());
        if (rename(from.c_str(), to.c_str()) != 0) fail("cannot put in place " + to.string());
    }

    fs::path root_, overlay_, own_;
    Record record_;
    std::vector<std::string> staged_;  ///< its copy is incoming/<index>
};

}  // namespace

void seed(const Profile& profile, const fs::path& root, const fs::path& overlay, const std::string& version) {
    Seeder seeder(root, overlay);
    seeder.add_folders(profile.persistent, version);
    for (const auto& path : profile.merged)
        is_folder(below(root, path)) ? seeder.add_empty(path) : seeder.add_file(path);
    seeder.finish();
}

}  // namespace drover::guest
