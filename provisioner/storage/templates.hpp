#pragma once
#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "model/time.hpp"

namespace drover {

/// What guests are forked from: the memory of a booted one, the state of its devices, and what both fit to.
struct Template {
    std::string key;  ///< template_key(needs)
    std::string image, version, profile;
    std::string fork_point;  ///< "early" or "ready"
    /// All that it depends on, by name: a guest of which one of these differs cannot be forked from it.
    std::map<std::string, std::string> needs;
    std::string disk;  ///< of `ready`: the base that its forks' overlays are on; else empty
    Time made;
    Duration took{0};     ///< to make it
    long long bytes = 0;  ///< on disk
    std::string folder;   ///< absolute

    [[nodiscard]] std::string memory() const { return folder + "/memory"; }
    [[nodiscard]] std::string state() const { return folder + "/state"; }
};

/// 32 hex digits over all that a template depends on.
std::string template_key(const std::map<std::string, std::string>& needs);

/// The folders of templates below state/templates/<key>/{memory,state,manifest.json}. The memory file belongs to the
/// user that QEMU runs as: QEMU before 8.2 opens it for writing even where it only reads. Thread-safe; one template is
/// made at a time.
class TemplateStore {
  public:
    /// Makes the folder. `user`: "+uid:+gid" that QEMU runs as.
    TemplateStore(const std::filesystem::path& state, const std::string& user);

    /// A folder aside for a template that is being made, with a memory file of `memory` bytes that are all allocated,
    /// and an empty state file. One that was left half-made goes. DiskFull while there is no room for it.
    [[nodiscard]] Template begin(const std::string& key, long long memory) const;
    /// Makes what lies in the draft's folder durable and puts it in its place, with its digests; the same is there
    /// already: that one goes. Reads all of it, a second for 300 MB.
    [[nodiscard]] Template finish(const Template& draft) const;
    /// Removes what is left of a draft.
    void abandon(const Template& draft) const;

    /// The template of this key, of which every byte was read and is as it was made. Error{not_found} when there is
    /// none, Error{failed} naming what is wrong with it.
    [[nodiscard]] Template load(const std::string& key) const;
    /// Whether there is something to load.
    [[nodiscard]] bool has(const std::string& key) const;
    /// All that are there and have a manifest, unread.
    [[nodiscard]] std::vector<Template> all() const;
    /// Removes it, durably; absent: nothing. Guests that were forked from it keep their memory, and the space that it
    /// takes, until they end.
    void remove(const std::string& key) const;
    /// Removes what cannot be used: half-made ones, and folders without a manifest. Before the first is made.
    void sweep() const;

  private:
    [[nodiscard]] std::filesystem::path folder(const std::string& key) const;

    std::filesystem::path folder_;
    uid_t uid_;
    gid_t gid_;
};

}  // namespace drover
