#pragma once
#include <soci/soci.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/guest.hpp"

namespace drover::fsck {

/// What fsck reads of a guest's row. Words stay as they are stored.
struct GuestRow {
    GuestId id = 0;
    std::string name, kind, image, network;
    std::string phase, desired;
    Address address;
    std::string mac;  ///< lower case
    std::string want_version, have_version;
    std::int64_t want_overlay = 0, have_overlay = 0;
    std::int64_t rev = 0;
    bool is_stray = false;  ///< it has neither an owner nor a pool that there is

    [[nodiscard]] bool is_container() const { return kind == "container"; }
    /// Whether it should have a domain and an overlay: it was built, and nothing is about to take them away.
    [[nodiscard]] bool is_built() const { return phase != "reserved" && desired != "gone"; }
};

/// A version of an image: "<image>/<64 hex digits>", as its folder is called.
std::string root_name(const std::string& image, const std::string& digest);

/// What fsck reads of a copy's row.
struct CopyRow {
    GuestId id = 0;
    std::string guest;     ///< its name
    std::string file;      ///< of an archive; empty: it lies in the state folder
    bool is_kept = false;  ///< made, not being removed, and not somebody else's to move
};

/// What fsck reads of an opening's row.
struct OpeningRow {
    std::string guest, protocol;
    Address address;
    long long port = 0;
    bool is_orphan = false;  ///< its guest is gone
};

/// The registry at one instant.
struct RegistryFacts {
    std::string uuid;
    std::map<std::string, bool> versions;      ///< root_name, and whether it is being removed
    std::vector<GuestRow> living;              ///< not gone, by id
    std::set<Address> used;                    ///< marked as in use
    std::map<GuestId, CopyRow> copies;         ///< by id
    std::map<long long, OpeningRow> openings;  ///< by id
    /// The subnets of each network by its name, as the daemon chose them last.
    std::map<std::string, std::pair<Subnet, std::optional<Subnet6>>> networks;
};

/// Reads the registry's file and never writes it. One thread at a time. Every call: Error{unavailable} naming the file
/// when it cannot be read.
class RegistryReader {
  public:
    explicit RegistryReader(std::string file);

    /// All facts, of one snapshot.
    RegistryFacts read();
    /// Whether the guest is there and not gone, now.
    bool lives(GuestId id);
    /// Whether the registry has this version, by its root_name, now.
    bool has_version(const std::string& root);
    /// Whether the registry has this copy, now.
    bool has_copy(GuestId id);

  private:
    std::string file_;
    soci::session sql_;
};

}  // namespace drover::fsck
