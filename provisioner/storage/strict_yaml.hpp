#pragma once
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace drover {

/// A text of a YAML file and the line that it stands on, from 1.
struct Located {
    std::string text;
    int line = 0;
};

/// A YAML file that is one mapping with known keys, each of them a text, a list of texts or a list of such mappings.
/// Every mistake is Error{usage} "FILE:LINE: ..." naming the value.
class StrictYaml {
  public:
    /// Reads the file. Error{usage} for bad YAML, a key that is not in `keys`, and a key that is there twice.
    StrictYaml(const std::filesystem::path& file, const std::vector<std::string>& keys);

    /// The text under `key`; nothing when it is absent.
    [[nodiscard]] std::optional<Located> text(const std::string& key) const;
    /// The same, and Error{usage} when it is absent.
    [[nodiscard]] Located required(const std::string& key) const;
    /// The texts of the list under `key`; none when it is absent.
    [[nodiscard]] std::vector<Located> list(const std::string& key) const;

    /// The mappings of the list under `key`, each with some of `keys`; none when it is absent.
    [[nodiscard]] std::vector<StrictYaml> mappings(const std::string& key, const std::vector<std::string>& keys) const;
    /// The line that it begins on.
    [[nodiscard]] int line() const { return root_.Mark().line + 1; }

    /// Error{usage} at a line of this file; 0: the file as a whole.
    [[noreturn]] void refuse(int line, const std::string& message, const std::string& hint = "") const;
    /// Calls `check`; an Error{usage} that it throws is thrown anew with the line of `value` in front.
    void at(const Located& value, const std::function<void(const std::string&)>& check) const;

  private:
    StrictYaml(std::string file, YAML::Node root) : file_(std::move(file)), root_(std::move(root)) {}
    void expect_keys(const std::vector<std::string>& keys) const;
    [[nodiscard]] YAML::Node find(const std::string& key) const;
    [[nodiscard]] Located scalar(const YAML::Node& node, const std::string& what) const;

    std::string file_;
    YAML::Node root_;
};

}  // namespace drover
