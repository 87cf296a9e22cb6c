#pragma once
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/rounds.hpp"
#include "model/sync.hpp"
#include "network/listing.hpp"
#include "network/nftables.hpp"
#include "network/ruleset.hpp"
#include "registry/registry.hpp"

namespace drover {

/// Owns both tables of the instance: what is in them follows the registry. Any thread. They stay when the daemon ends,
/// so that what is open closes by itself.
class Firewall {
  public:
    /// Does nothing yet.
    Firewall(FirewallPlan plan, Registry& registry);
    Firewall(const Firewall&) = delete;
    Firewall& operator=(const Firewall&) = delete;

    /// Makes both tables what the registry says, the first time; later on nothing. Error{failed} with what nft said.
    void ensure();
    /// The guest's line and what is open of it are from now on as the registry has them; before its domain starts,
    /// after each change of its owner or openings, and when its domain is gone for good. Milliseconds.
    void sync(GuestId guest);
    /// The opening lets nobody in any more; to be said before its row goes.
    void shut(const Opening& opening);

    /// Looks after the tables until this object ends: what is over, what somebody else has changed.
    void start();

  private:
    /// What is in the tables, by our own doing.
    struct Door {
        GuestId guest = 0;
        std::vector<Element> elements;
        std::chrono::steady_clock::time_point closes;
    };
    struct Applied {
        std::optional<Nftables> nft;
        bool made = false;
        std::map<GuestId, std::vector<Element>> lines;
        std::map<long long, Door> doors;               ///< by opening
        std::map<std::string, long long> handles;      ///< of our tables by family
        std::map<std::string, std::string> rules;      ///< by family, as listed just after they were made
        std::map<std::string, std::uint32_t> circles;  ///< by what they are called
    };

    static Nftables& nft(Applied& applied);
    [[nodiscard]] GuestLine line_of(Applied& applied, const Guest& guest) const;
    [[nodiscard]] std::uint32_t circle_of(Applied& applied, const Guest& guest) const;
    void remake(Applied& applied);
    void follow(Applied& applied, GuestId id);
    void follow_the_registry(Applied& applied);
    [[nodiscard]] std::string wrong_table(Applied& applied) const;
    [[nodiscard]] std::string wrong_elements(Applied& applied) const;
    void round();
    void end_what_is_over(bool mark);
    void put_right();
    void tell(const std::string& message);

    FirewallPlan plan_;
    Registry& registry_;
    Synchronized<Applied> applied_;
    Synchronized<std::map<std::string, std::chrono::steady_clock::time_point>> told_;  ///< when each was told last
    // The thread's own.
    std::string trouble_;  ///< of the last look
    bool doubted_ = true;  ///< somebody changed rules, of whomever, since all elements were looked at
    std::chrono::steady_clock::time_point next_look_{};
    int ticks_ = 0;
    Rounds rounds_;
};

}  // namespace drover
