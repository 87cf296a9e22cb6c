#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "config/config.hpp"
#include "fuzz.hpp"
#include "storage/profiles.hpp"
#include "storage/recipe.hpp"

/// The files that administrators write: configuration, recipes of images, profiles.
namespace drover {
namespace {

namespace fs = std::filesystem;

/// A folder of its own called "tiny", for readers that take a folder and hold its name against the text.
class Folder {
  public:
    Folder() {
        auto pattern = (fs::temp_directory_path() / "drover-fuzz-XXXXXX").string();
        fuzz::hold(::mkdtemp(pattern.data()) != nullptr, "no temporary folder");
        path_ = fs::path(pattern) / "tiny";
        fs::create_directory(path_);
    }
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_.parent_path(), ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    /// The folder, with `text` in that file of it.
    [[nodiscard]] const fs::path& with(const char* file, std::string_view text) const {
        std::ofstream(path_ / file, std::ios::binary) << text;
        return path_;
    }

  private:
    fs::path path_;
};

const Folder& folder() {
    static const Folder folder;
    return folder;
}

void config(std::string_view text) { static_cast<void>(parse_config(std::string(text), "drover.yaml")); }
void recipe(std::string_view text) { read_recipe(folder().with("image.yaml", text)); }
void profile(std::string_view text) { kernel_parameters(read_profile(folder().with("overlay.yaml", text))); }

}  // namespace
}  // namespace drover

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const drover::fuzz::Input input(data, size);
    drover::fuzz::may_refuse([&] {
        if (input.choice == 1) return drover::recipe(input.text);
        if (input.choice == 2) return drover::profile(input.text);
        drover::config(input.text);
    });
    return 0;
}
