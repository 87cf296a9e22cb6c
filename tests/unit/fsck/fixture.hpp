#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <soci/soci.h>

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "fsck/fsck.hpp"
#include "model/error.hpp"
#include "model/guest.hpp"

namespace drover::test {

inline const std::string registry_uuid = "11111111-2222-4333-8444-555555555555";
/// RFC 9562 version 8 of SHA-256("<registry_uuid>/network"), made by another program.
inline const std::string network_uuid = "ca6fef11-b60b-8f2f-a60b-373aebe0422c";
inline const std::string foreign_uuid = "99999999-9999-4999-8999-999999999999";

/// A guest as the registry has it. Id n of the n-th: address 10.77.0.(n + 1).
struct Row {
    GuestId id = 0;
    std::string name;
    std::string phase = "ready", desired = "ready";
    std::int64_t want_overlay = 1, have_overlay = 1;
};

/// A host on which everything is in order: a real registry, a state folder, a hosts file, and a small working model of
/// virsh. Tests plant faults.
class FsckTest : public ::testing::Test {
  protected:
    FsckTest();
    ~FsckTest() override;

    // ---- what is in order
    /// A guest with all that belongs to one in its phase.
    void add_guest(const Row& row);
    void insert(const Row& row);
    void make_domain(const Row& row) { write_domain({.id = row.id, .guest = row.name}); }
    void make_overlay(GuestId id, std::int64_t counter);
    void name_guest(const Row& row);
    /// The guest, gone as a retirement leaves it.
    void retire(const Row& row);
    void remove_domain(GuestId id);
    void remove_overlay(GuestId id);

    // ---- what may be planted
    struct PlantedDomain {
        GuestId id = 0;
        std::string guest;
        std::string name{};                    ///< empty: drover-<id>
        std::string registry = registry_uuid;  ///< empty: no tag
        std::string mac{};                     ///< empty: as it should be
        std::string disk{};
        bool active = true, transient = false;
    };
    /// Returns its file.
    std::string write_domain(const PlantedDomain& domain);
    struct PlantedNetwork {
        std::string name = "drover", uuid = network_uuid, bridge = "drover-br";
    };
    void write_network(const PlantedNetwork& network);
    void add_dns(const std::string& address, const std::string& name, bool in_definition = true);
    /// A file that the network's DNS reads.
    void write_names(const std::string& file, const std::string& text) const;
    void add_hosts_line(const std::string& line);
    /// A version of tiny, with its row.
    void make_root(const std::string& hex);
    void execute(const std::string& sql);

    // ---- looking
    std::vector<Finding> look(bool repair = false);
    /// "kind object guest" of each finding.
    std::vector<std::string> kinds(bool repair = false);
    /// Looks in another thread, and calls `changes` one after the other each time virsh is asked for its domains.
    std::vector<std::string> kinds_while(const std::vector<std::function<void()>>& changes);
    static std::vector<std::string> kinds_of(const std::vector<Finding>& findings);

    [[nodiscard]] std::string state(const std::string& path) const { return config_.state + "/" + path; }
    [[nodiscard]] std::string hypervisor(const std::string& path) const { return (folder_ / "hypervisor" / path); }
    /// What is in lost/, the time of each cut off.
    [[nodiscard]] std::vector<std::string> lost() const;

    std::filesystem::path folder_;
    Config config_;
    Fsck::Tools tools_;
    soci::session sql_;
};

std::string read_text(const std::string& path);
/// All of it at once, for whoever reads the file meanwhile.
void write_text(const std::string& path, const std::string& text);

}  // namespace drover::test
