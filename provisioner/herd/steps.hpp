#pragma once
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "control/host_key.hpp"
#include "control/sessions.hpp"
#include "herd/blueprints.hpp"
#include "herd/parts.hpp"
#include "herd/renewal.hpp"
#include "herd/templates.hpp"
#include "herd/watch.hpp"

namespace drover {

/// What a step did: the row as it should be now (unchanged: nothing to commit) and what to remember.
struct Done {
    Guest after;
    std::string told;              ///< digest of the identity that was sent; empty: none
    bool look = false;             ///< the domain changed by our hand: look again
    bool later = false;            ///< it could not be done now, through nobody's fault: try again in a second
    std::vector<MadeCopy> made{};  ///< of the copies that were owed
    std::function<void()> then{};  ///< what nobody waits for: once it is committed

    /// Whether the row is to be written: the phase or the make moved, or nothing is owed any more. (identify may have
    /// written the row itself already.)
    [[nodiscard]] bool moved(const Guest& before) const {
        return after.phase != before.phase || after.have != before.have || after.copy != before.copy;
    }
};

/// What the guest is told that it is, in this network, now.
control::Identity identity_of(const Guest& guest, const Network& network);

/// One short function per step. Each is idempotent: run twice it ends in the same state; when it throws, it leaves what
/// its next run accepts; its effects are durable before it returns.
class Steps {
  public:
    Steps(Parts parts, control::Sessions& sessions)
        : parts_(std::move(parts)), blueprints_(parts_), sessions_(sessions) {}

    /// Does `step` for `guest`; `watch` is what was known when it was chosen.
    Done perform(Step step, const Guest& guest, const Watch& watch);

    /// What a fork is to be told when it says FORKABLE: made before it can answer.
    control::Renew renewal_of(GuestId id);
    /// What a guest is told that it is: its owner's keys, and last its identity.
    std::vector<control::FromDaemon> introduction(const Guest& guest);
    /// The digest of the identity that `guest` should run under, by its row and its owner's keys. Of one that was told
    /// and answered without IPv6, as an older guest's end does: of that.
    std::string digest_of(const Guest& guest, const Watch& watch);

  private:
    Done build(const Guest& guest);
    Done copy(const Guest& guest);
    Done start(const Guest& guest);
    Done identify(const Guest& guest, const Watch& watch);
    Done park(const Guest& guest);
    Done adopt(const Guest& guest, const Watch& watch);
    Done resume(const Guest& guest);
    Done stop(const Guest& guest);
    Done retire(const Guest& guest);
    Done renew(const Guest& guest, const Watch& watch);

    void make_overlay(const Guest& guest);
    void make_fresh_overlay(const Guest& guest);
    [[nodiscard]] long long copy_overlay(const Guest& guest, const Copy& copy, const std::string& overlay) const;
    void keep_overlay(const Guest& guest, const Copy& copy, std::vector<MadeCopy>& made) const;
    void run_domain(const Guest& guest);
    void remove_domain(GuestId id);
    std::shared_ptr<const Template> template_for(const Guest& guest);
    void renew_overlay(const Guest& guest, const Template* from);
    bool fork(const Guest& guest, const DomainSpec& spec, const Template& from);
    std::string introduce(const Guest& guest, std::vector<control::FromDaemon> lines);
    std::string add_introduction(const Guest& guest, std::vector<control::FromDaemon>& lines);
    void add_identity(const control::Identity& identity, std::vector<control::FromDaemon>& lines);
    void add_rehearsal(control::Identity identity, std::vector<control::FromDaemon>& lines);
    void make_known(const Guest& guest);
    bool give_host_key(Guest& guest, const std::string& has, std::vector<control::FromDaemon>& lines);
    [[nodiscard]] control::Identity identity_for(const Guest& guest) const;
    std::vector<std::string> keys_of(const Guest& guest);

    /// The host key that a guest was given; when that was, or when it was READY with it.
    struct Offer {
        control::HostKey key;
        std::chrono::steady_clock::time_point used;
    };
    control::HostKey key_for(const Guest& guest);

    Parts parts_;
    Blueprints blueprints_;
    control::Sessions& sessions_;
    Synchronized<std::unordered_map<GuestId, Offer>> offered_;  ///< until it is on the guest's disk
    std::mutex copying_;  ///< one at a time: more would take workers away from others, to wait for the same disk
};

}  // namespace drover
