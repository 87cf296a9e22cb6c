#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace drover::fsck {

/// An entry of state/overlays.
struct OverlayFolder {
    std::string name;
    std::map<std::string, std::string> files;  ///< what is in it, and its flaw; nothing where it is no folder
};

/// An entry of state/templates.
struct TemplateFolder {
    bool unfinished = false;  ///< it is being made, or was when the daemon ended
    std::string flaw;         ///< why nobody can use it; empty: nothing
    std::string root;         ///< "<image>/<digits>" of the version that it is of; empty: it does not say
};

/// The state folder on disk. Any thread. Error{unavailable} when it cannot be read; a part that is not there is empty.
class StateFiles {
  public:
    explicit StateFiles(const std::string& state);

    /// All that is in overlays/, by name.
    [[nodiscard]] std::vector<OverlayFolder> overlays() const;
    /// All that is in roots/ by image, as "<image>/<entry>", and whether it is a whole version.
    [[nodiscard]] std::map<std::string, bool> roots() const;
    /// All that is in copies/, by name, and whether there is an overlay in it that is whole.
    [[nodiscard]] std::map<std::string, bool> copies() const;
    /// All that is in templates/, by name.
    [[nodiscard]] std::map<std::string, TemplateFolder> templates() const;
    /// All that is in consoles/, by name.
    [[nodiscard]] std::vector<std::string> logs() const;
    /// Moves overlays/<name> to lost/<name>-<time>, durably, and returns where it is then; none when it is gone.
    /// Error{failed} naming the path.
    [[nodiscard]] std::optional<std::string> move_to_lost(const std::string& name) const;
    /// The same of roots/<image>/<entry>, as <image>-<entry>-<time>.
    [[nodiscard]] std::optional<std::string> move_root_to_lost(const std::string& root) const;

    /// The same of copies/<name>, as copy-<name>-<time>.
    [[nodiscard]] std::optional<std::string> move_copy_to_lost(const std::string& name) const;

    /// The same of templates/<name>, as template-<name>-<time>.
    [[nodiscard]] std::optional<std::string> move_template_to_lost(const std::string& name) const;

    /// The same of consoles/<name>, as console-<name>-<time>.
    [[nodiscard]] std::optional<std::string> move_log_to_lost(const std::string& name) const;

    /// Paths as findings name them.
    [[nodiscard]] std::string overlay_path(const std::string& name) const;
    [[nodiscard]] std::string root_path(const std::string& root) const;
    [[nodiscard]] std::string copy_path(const std::string& name) const;
    [[nodiscard]] std::string log_path(const std::string& name) const;
    [[nodiscard]] std::string template_path(const std::string& name) const;

  private:
    [[nodiscard]] std::optional<std::string> move_to_lost(const std::string& path, const std::string& name) const;

    std::string state_;
};

}  // namespace drover::fsck
