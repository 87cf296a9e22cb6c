#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "model/error.hpp"
#include "process/process.hpp"
#include "storage/paths.hpp"

namespace drover {

namespace fs = std::filesystem;

/// A folder of its own for one test.
class TempFolder {
  public:
    TempFolder() {
        std::string name = fs::temp_directory_path() / "drover-storage-XXXXXX";
        path_ = ::mkdtemp(name.data());
        fs::permissions(path_, fs::perms(0755));
    }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    ~TempFolder() { fs::remove_all(path_); }

    [[nodiscard]] const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

inline void write(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
}

inline std::string read(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream bytes;
    bytes << in.rdbuf();
    return std::move(bytes).str();
}

inline std::vector<std::string> names_in(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

inline unsigned mode_of(const fs::path& path) { return static_cast<unsigned>(fs::status(path).permissions()); }

/// The ordinary places below one folder: recipes, profiles and state, nothing of the machine's.
inline StoragePaths paths_below(const fs::path& folder) {
    for (const auto* name : {"images", "own-images", "overlays", "cache"}) fs::create_directories(folder / name);
    write(folder / "guest-end", "the guest's end");
    return {.state = folder / "state",
            .images = folder / "images",
            .profiles = folder / "overlays",
            .guest_end = folder / "guest-end",
            .own_images = folder / "own-images",
            .packages = folder / "cache"};
}

/// What `call` throws, as "kind-name: message | hint"; a failed test when it throws no Error.
template <typename Call> std::string error_of(Call call) {
    try {
        call();
    } catch (const Error& error) {
        return std::string(form_of(error.kind()).name) + ": " + error.what() + " | " + error.hint();
    }
    ADD_FAILURE() << "no error";
    return "";
}

}  // namespace drover
