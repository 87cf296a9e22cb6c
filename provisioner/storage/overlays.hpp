#pragma once
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/guest.hpp"
#include "model/profile.hpp"
#include "storage/paths.hpp"

namespace drover {

class Prototypes;
struct SparseImage;

/// The writable disks of guests: a vm's is a qcow2 on a prototype, a container's a copy of one. Any thread, any guests
/// at once; one guest from one thread at a time.
class Overlays {
  public:
    /// `user`: "+uid:+gid" that QEMU runs as, the owner of every vm's overlay; a container's is root's. Reads every
    /// profile and makes the folders of the state that it needs. Error{usage} naming file, line and value of a
    /// profile's mistake.
    Overlays(StoragePaths paths, const std::string& user);
    ~Overlays();

    /// A profile by name. Error{not_found} naming those that there are.
    [[nodiscard]] const Profile& profile(const std::string& name) const;
    /// Whether any profile has its guests asked something.
    [[nodiscard]] bool any_probes() const;

    /// Where the overlay is and what backs it; nothing backs a container's. Absolute paths.
    struct Place {
        std::string overlay, prototype;
    };
    /// A fresh overlay number `counter` of `disk` bytes (rounded up to whole MiB) for the guest, on disk durably when
    /// this returns; an older one stays beside it until drop_others. Repeated: the same, fresh. The first use of a
    /// (profile, size) makes its prototype (about 20 ms), others wait for it; after that nothing is spawned: 0.4 ms on
    /// a quiet machine, 1 ms on a busy one, nearly all of it the three syncs. Error{not_found} for an unknown profile,
    /// Error{usage} for a disk below 16 MiB, Error{failed} naming the path; DiskFull: the same works when there is
    /// room.
    Place create(GuestId id, std::int64_t counter, const std::string& profile, long long disk, Kind kind = Kind::vm);
    /// The same of a vm on a template's disk, which keep_disk() gave; always 0.4 ms.
    Place create_forked(GuestId id, std::int64_t counter, const std::string& base);
    /// What create() puts a vm's overlay on; made when absent, as there.
    [[nodiscard]] std::string base(const std::string& profile, long long disk) const;
    /// Whether nobody has written to the vm's overlay yet since create() or create_forked().
    [[nodiscard]] bool is_fresh(GuestId id, std::int64_t counter) const;
    /// A fresh overlay in another place, for a template: as create(), or as create_forked() where a base is named.
    Place create_at(const std::string& file, const std::string& profile, long long disk, const std::string& base = "");
    /// A template's disk as what the overlays of its forks are on: Prototypes::keep_disk().
    std::string keep_disk(const std::string& key, const std::string& overlay);
    /// Removes disks of templates that neither these name nor any overlay or copy is on; reads the head of each.
    void drop_disks(const std::vector<std::string>& but);
    /// The same on the disk of a cloud image's version, of at least `disk` bytes; spawns qemu-img.
    Place create_on(const std::string& base, GuestId id, std::int64_t counter, long long disk);
    /// The same as a copy of `source`, an overlay of the same kind that nobody writes to.
    Place create_from(const std::string& source, GuestId id, std::int64_t counter, Kind kind);
    /// The same of an archive's.
    Place create_from_archive(const std::string& archive, GuestId id, std::int64_t counter, Kind kind);
    /// The overlay number `had` goes on as number `counter`. Repeated: nothing more. Error{not_found} when neither is
    /// there.
    Place carry_over(GuestId id, std::int64_t had, std::int64_t counter, Kind kind);
    /// Where overlay number `counter` is, or would be.
    [[nodiscard]] std::string path(GuestId id, std::int64_t counter, Kind kind) const;
    /// Makes the guest's seed for cloud-init with these files in it, durably; an earlier one is replaced. Whatever
    /// removes overlays removes it, so it is made before each start.
    void put_seed(GuestId id, const std::map<std::string, std::string>& files);
    /// Where its seed is, or would be.
    [[nodiscard]] std::string seed(GuestId id) const;
    /// Where overlay number `counter` is. Error{not_found} when it is not there, Error{failed} when what backs it is
    /// neither one of our prototypes nor a cloud image's version. Nothing backs a vm's that was imported.
    [[nodiscard]] Place place(GuestId id, std::int64_t counter, Kind kind = Kind::vm) const;
    /// DiskFull while there is no room for another overlay.
    void expect_room() const;
    /// Removes all overlays of the guest but number `counter`.
    void drop_others(GuestId id, std::int64_t counter);
    /// Removes the guest's folder; absent: nothing.
    void remove(GuestId id);
    /// Moves the guest's folder to state/lost/ under a name that is free there, and returns its new path.
    /// Error{not_found} when there is none.
    std::string move_to_lost(GuestId id);
    /// Ids of guests that have a folder, in order.
    [[nodiscard]] std::vector<GuestId> ids() const;

  private:
    [[nodiscard]] std::string folder(GuestId id) const;
    Place lay(GuestId id, std::int64_t counter, const SparseImage& image, const std::string& base, Kind kind);
    template <typename Make> void put(GuestId id, const std::string& name, Kind kind, Make&& make);
    template <typename Make> Place install(GuestId id, std::int64_t counter, Kind kind, Make&& make);

    StoragePaths paths_;
    struct User {
        uid_t uid;
        gid_t gid;
    };
    User qemu_;
    std::map<std::string, Profile> profiles_;
    std::unique_ptr<Prototypes> prototypes_;
};

}  // namespace drover
