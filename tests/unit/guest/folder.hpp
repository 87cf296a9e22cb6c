#pragma once
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace drover::guest {

/// A folder of its own for each test, gone when the test is.
class Folder {
  public:
    Folder() {
        std::string name = std::filesystem::temp_directory_path() / "drover-guest-XXXXXX";
        path_ = mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

inline void write(const std::filesystem::path& path, const std::string& content) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
}

inline std::string content_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline mode_t mode_of(const std::filesystem::path& path) {
    struct stat form {};
    return lstat(path.c_str(), &form) == 0 ? form.st_mode & 07777 : 0;
}

inline ino_t inode_of(const std::filesystem::path& path) {
    struct stat form {};
    return lstat(path.c_str(), &form) == 0 ? form.st_ino : 0;
}

}  // namespace drover::guest
