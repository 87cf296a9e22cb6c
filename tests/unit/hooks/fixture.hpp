#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace drover {

/// A hooks' folder of the test's own.
class HookFolder : public testing::Test {
  protected:
    HookFolder() {
        std::string form = std::filesystem::temp_directory_path() / "drover-hooks-XXXXXX";
        root_ = ::mkdtemp(form.data());
        std::filesystem::create_directory(folder());
    }
    ~HookFolder() override { std::filesystem::remove_all(root_); }

    [[nodiscard]] std::string file(const std::string& name) const { return root_ + "/" + name; }
    [[nodiscard]] std::string folder() const { return file("hooks"); }

    /// A shell script as a hook; its path.
    [[nodiscard]] std::string script(const std::string& path, const std::string& text) const {
        std::filesystem::create_directories(std::filesystem::path(path).parent_path());
        std::ofstream(path + ".aside") << "#!/bin/sh\n" << text << "\n";
        std::filesystem::permissions(path + ".aside", std::filesystem::perms(0755));
        std::filesystem::rename(path + ".aside", path);
        return path;
    }
    std::string add(const std::string& event, const std::string& name, const std::string& text) const {
        return script(folder() + "/" + event + "/" + name, text);
    }

  private:
    std::string root_;
};

}  // namespace drover
