#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "model/rounds.hpp"
#include "model/sync.hpp"
#include "model/wave.hpp"
#include "pool/balance.hpp"
#include "registry/registry.hpp"

namespace drover {

/// What the keeper needs of others; all outlive it.
struct PoolParts {
    const Config& config;
    Registry& registry;
    std::function<void(const std::vector<GuestId>&)> nudge;  ///< tells the herd of guests that are to be something else
    std::function<bool()> may_run;                           ///< whether guests are to run on this host at all
    std::function<Reservation(const PoolKey&)> reservation;  ///< what a request of this sort would get now
    std::function<HostLoad()> load;                          ///< how the host fares
    Rounds& rounds;                                          ///< the keeper's; woken when something may have changed
    Duration calm = std::chrono::seconds(1);                 ///< who asked so long ago may ask again
};

/// Keeps pools filled: makes members, parks them, sends away what is outdated, spoiled or too many. It writes what
/// guests should be, and the herd does the rest, behind everything that users ask for. Three members in a row that
/// could not be made open a breaker: nothing is made until a pause is over, which doubles with each further failure.
class PoolKeeper {
  public:
    explicit PoolKeeper(PoolParts parts);
    /// Ends the thread.
    ~PoolKeeper();
    PoolKeeper(const PoolKeeper&) = delete;
    PoolKeeper& operator=(const PoolKeeper&) = delete;

    void start();
    /// How the pools are now, in the order of their names. Any thread.
    [[nodiscard]] std::vector<PoolState> states();

    static constexpr long long breaker_opens_at = 3;

  private:
    using Clock = std::chrono::steady_clock;
    /// What is remembered of a pool between rounds.
    struct Memory {
        long long failures = 0;      ///< when they were looked at last
        Clock::time_point retry_at;  ///< nothing is made before
        std::string trouble;         ///< why nothing can even be begun
        long long taken = 0;         ///< when they were looked at last
        Clock::time_point taken_at;  ///< when somebody asked last
        bool told_full = false, told_empty = false, told_memory = false;
    };
    struct Round;

    /// Returns how long until the next.
    Duration round();
    void forget_old_arrivals();
    void drop_orphans(const std::vector<Pool>& pools, Round& round);
    void keep(const Pool& pool, Round& round, Memory& memory);
    bool is_asked(const Pool& pool, Round& round, Memory& memory) const;
    std::optional<Reservation> reservation(const Pool& pool, Memory& memory) const;
    void make(const Pool& pool, const Reservation& as, const Moves& moves, Round& round, Memory& memory);
    void drop(Round& round, const std::vector<GuestId>& ids, const std::string& reason);
    void drop_spoiled(Round& round, GuestId id);
    void note_breaker(const Pool& pool, Memory& memory);
    void tell_levels(const Pool& pool, const Levels& levels, long long target, bool memory_short, Memory& memory);
    void tell_once(bool& told, bool holds, const Pool& pool, const std::string& kind, const std::string& message);
    static bool is_open(const Pool& pool);
    [[nodiscard]] bool is_short_of_memory(const HostLoad& load) const;
    [[nodiscard]] long long target_of(const Pool& pool) const;

    PoolParts parts_;
    Synchronized<std::map<PoolId, Memory>> memories_;
    std::ptrdiff_t turn_ = 0;  ///< whose turn it is to be served first
    Clock::time_point forget_at_;
};

}  // namespace drover
