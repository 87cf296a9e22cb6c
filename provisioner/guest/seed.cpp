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

fs::path below(const fs::path& folder, const std::string& path) { return folder / fs::path(path).relative_path(); }

/// The names of what was ever seeded, each ended by a zero: the one character that no name has.
std::set<std::string> read_record(const fs::path& path) {
    const auto text = read_if_there(path).value_or("");
    std::set<std::string> record;
    for (std::size_t at = 0, end = 0; (end = text.find('\0', at)) != std::string::npos; at = end + 1)
        record.insert(text.substr(at, end - at));
    return record;
}

void write_record(const fs::path& path, const std::set<std::string>& record) {
    std::string text;
    for (const auto& name : record) text.append(name).push_back('\0');
    put_file(path, text, 0600);
}

void sync_file_system(const fs::path& path) {
    const UniqueFd folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || syncfs(folder.get()) != 0) fail("cannot sync " + path.string());
}

class Seeder {
  public:
    Seeder(fs::path root, const fs::path& overlay)
        : root_(std::move(root)), overlay_(overlay), own_(overlay / own_folder), record_(read_record(own_ / "seeded")) {
        fs::remove_all(own_ / "incoming");  // what a run that was cut short left behind
        put_folder(own_, 0700);
        put_folder(own_ / "incoming", 0700);
    }

    /// The folder itself, and each entry in it that is new.
    void add_folder(const std::string& path) {
        const auto source = below(root_, path);
        if (!fs::is_directory(fs::symlink_status(source)))
            throw Error(ErrorKind::failed, "the persistent path " + path + " is no folder in this root");
        add_empty(path);
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(source))
            names.push_back((fs::path(path) / entry.path().filename()).string());
        std::sort(names.begin(), names.end());
        for (const auto& name : names)
            if (!record_.contains(name)) add(name);
    }

    /// The folder itself, for what will be laid over the root's.
    void add_empty(const std::string& path) {
        if (!is_there(path)) copy_alone(below(root_, path), stage(path));
    }

    /// A file of its own; seeded again should it be lost, because it has to be there.
    void add_file(const std::string& path) {
        if (!record_.contains(path) || !is_there(path)) add(path);
    }

    /// Puts in place what was copied, then records it.
    void finish() {
        if (staged_.empty() && fresh_.empty()) return;
        sync_file_system(overlay_);
        for (std::size_t i = 0; i < staged_.size(); ++i) put_in_place(place_of(i), staged_[i]);
        sync_file_system(overlay_);
        record_.insert(fresh_.begin(), fresh_.end());
        write_record(own_ / "seeded", record_);
    }

  private:
    void add(const std::string& path) {
        if (!is_there(path)) copy_tree(below(root_, path), stage(path));
        fresh_.push_back(path);
    }
    [[nodiscard]] bool is_there(const std::string& path) const {
        return fs::exists(fs::symlink_status(below(overlay_, path)));
    }
    [[nodiscard]] fs::path place_of(std::size_t index) const { return own_ / "incoming" / std::to_string(index); }
    fs::path stage(const std::string& path) {
        staged_.push_back(path);
        return place_of(staged_.size() - 1);
    }
    void put_in_place(const fs::path& from, const std::string& path) const {
        const auto to = below(overlay_, path);
        fs::create_directories(to.parent_path());
        if (rename(from.c_str(), to.c_str()) != 0) fail("cannot put in place " + to.string());
    }

    fs::path root_, overlay_, own_;
    std::set<std::string> record_;
    std::vector<std::string> staged_;  ///< its copy is incoming/<index>
    std::vector<std::string> fresh_;   ///< to be recorded
};

}  // namespace

void seed(const Profile& profile, const fs::path& root, const fs::path& overlay) {
    Seeder seeder(root, overlay);
    for (const auto& path : profile.persistent) seeder.add_folder(path);
    for (const auto& path : profile.merged) {
        if (fs::is_directory(fs::symlink_status(below(root, path))))
            seeder.add_empty(path);
        else
            seeder.add_file(path);
    }
    seeder.finish();
}

}  // namespace drover::guest
