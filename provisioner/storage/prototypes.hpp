#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "model/guest.hpp"
#include "model/profile.hpp"
#include "model/sync.hpp"
#include "storage/qcow2.hpp"
#include "storage/single_flight.hpp"

namespace drover {

/// A formatted, seeded, immutable file system that backs overlays, and the bytes of a fresh overlay on it.
struct Prototype {
    std::string base;    ///< base.raw, absolute
    SparseImage onto;    ///< a qcow2 on it: a vm's overlay, ready to be written
    SparseImage copy{};  ///< a copy of it: a container's
};

/// The prototypes below state/prototypes/, one per profile and size. Thread-safe.
class Prototypes {
  public:
    /// `state` is absolute. Makes the folders that are needed.
    explicit Prototypes(const std::filesystem::path& state);

    /// The prototype of a kind's overlays for `profile` with a disk of `bytes`, rounded up to whole MiB. Made when
    /// absent, once however many ask (about 20 ms); held in memory from then on. Error{usage} for a disk below 16 MiB,
    /// Error{failed} with the last words of mke2fs or qemu-img; the next call tries anew.
    std::shared_ptr<const Prototype> get(Kind kind, const Profile& profile, long long bytes);
    /// The disk of a template, as it was when that was frozen, as a prototype: `overlay` is its qcow2, on a prototype
    /// of ours, and nobody writes to it any more. Made durably, about half a second; the same is there already: that
    /// one. Error{refused} when QEMU made something else of the file.
    std::string keep_disk(const std::string& key, const std::filesystem::path& overlay);
    /// The prototype with this base, a template's disk or another. Error{not_found}.
    std::shared_ptr<const Prototype> with_base(const std::filesystem::path& base);
    /// Removes the disks of templates but those with these bases.
    void drop_disks(const std::set<std::string>& but);
    /// Whether there is a template's disk.
    [[nodiscard]] bool has_disks() const;
    /// Whether `path` is the base of one of our prototypes that is there.
    [[nodiscard]] bool has_base(const std::filesystem::path& path) const;

  private:
    using Shared = std::shared_ptr<const Prototype>;
    Shared load(Kind kind, const std::string& key, const Profile& profile, long long bytes);
    void make(const std::filesystem::path& folder, const Profile& profile, long long bytes) const;

    std::filesystem::path state_;
    Synchronized<std::map<std::string, Shared>> loaded_;
    SingleFlight<Shared> flights_;
};

}  // namespace drover
