#include "guest/keep.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "folder.hpp"
#include "guest/seed.hpp"

namespace fs = std::filesystem;

namespace drover::guest {
namespace {

struct Overlay : Folder {
    void put(const std::string& file) const {
        fs::create_directories((path() / file).parent_path());
        std::ofstream(path() / file) << file;
    }
    [[nodiscard]] bool has(const std::string& file) const { return fs::exists(fs::symlink_status(path() / file)); }
};

}  // namespace

TEST(Keep, leaves_some_paths_and_takes_all_else) {
    const Overlay overlay;
    for (const auto* file : {"home/alice/notes", "root/.profile", "var/lib/mysql/row", "var/lib/other",
                             "var/log/syslog", "homes/bob", ".drover/seeded", ".drover/state/keys"})
        overlay.put(file);
    leave_only({3, {"/home", "/var/lib/mysql"}}, overlay.path());
    for (const auto* file : {"home/alice/notes", "var/lib/mysql/row"}) EXPECT_TRUE(overlay.has(file)) << file;
    for (const auto* file : {"root", "var/lib/other", "var/log", "homes", ".drover/seeded", ".drover/state"})
        EXPECT_FALSE(overlay.has(file)) << file;
}

TEST(Keep, is_done_once_for_each_number) {
    const Overlay overlay;
    leave_only({3, {"/home"}}, overlay.path());
    overlay.put("var/new");
    leave_only({3, {"/home"}}, overlay.path());
    EXPECT_TRUE(overlay.has("var/new"));
    leave_only({}, overlay.path());
    EXPECT_TRUE(overlay.has("var/new")) << "nothing is to be taken away";
    leave_only({4, {"/home"}}, overlay.path());
    EXPECT_FALSE(overlay.has("var/new"));
}

TEST(Keep, follows_no_link) {
    const Overlay overlay, elsewhere;
    elsewhere.put("precious");
    fs::create_directory_symlink(elsewhere.path(), overlay.path() / "var");
    leave_only({1, {"/var/lib/mysql"}}, overlay.path());
    EXPECT_TRUE(elsewhere.has("precious"));
    EXPECT_FALSE(overlay.has("var"));
}

}  // namespace drover::guest
