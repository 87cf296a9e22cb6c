#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/guest.hpp"
#include "model/wave.hpp"

namespace drover {

/// What bringing one guest up or down asks of its host, one after the other.
struct Work {
    double disk = 0;       ///< seconds of a disk that does nothing else
    double cpu = 0;        ///< CPU seconds, on one core at a time
    double wait = 0;       ///< seconds that pass anyway: timers, DHCP
    double memory = 0;     ///< MiB held until it is done
    double remaining = 0;  ///< MiB held from then on
};

/// A host by what matters to a wave.
struct HostModel {
    int cores = 4;
    double disks = 4;      ///< how many reads proceed at full speed at once
    double seek = 0;       ///< each read more slows all of them down by this part
    double crowd = 0.002;  ///< each computing guest more than there are cores slows all of them down by this part
    double memory = 1e9;   ///< MiB; more than that is paged, and everything slows down
};

/// Several jobs share something evenly. What one has got grows with a clock that runs as fast as one is served, so
/// that an event costs O(log n): virtual time (Demers, Keshav, Shenker 1989). Seconds.
class Share {
  public:
    void add(GuestId id, double amount) {
        finishes_.emplace(served_ + amount, id);
        of_[id] = served_ + amount;
    }
    void remove(GuestId id);
    void serve(double seconds) { served_ += seconds * rate_; }
    void set_rate(double rate) { rate_ = rate; }
    [[nodiscard]] std::size_t count() const { return finishes_.size(); }
    /// Seconds until the next one has all, if nothing changes.
    [[nodiscard]] std::optional<double> next() const;
    /// One that has all, taken out.
    std::optional<GuestId> pop();

  private:
    std::set<std::pair<double, GuestId>> finishes_;
    std::unordered_map<GuestId, double> of_;
    double served_ = 0, rate_ = 1;
};

/// A host on a virtual clock: it serves the work of its guests by processor sharing and tells its pressure. Pure.
class VirtualHost {
  public:
    explicit VirtualHost(const HostModel& model) : model_(model) {}

    void begin(GuestId id, const Work& work);
    /// Ends the work of a guest, and gives back all memory that the guest holds.
    void off(GuestId id);
    /// When the next guest finishes something; seconds on the clock of advance().
    [[nodiscard]] std::optional<double> next() const;
    /// Lets time pass up to `seconds`, no further than next(); who finished all their work.
    std::vector<GuestId> advance(double seconds);
    /// Once every two seconds: the readings as the kernel would give them.
    HostLoad sample();

  private:
    struct Job {
        Work work;
        double used = 0;  ///< MiB
    };
    void adjust();
    [[nodiscard]] double paging() const;

    HostModel model_;
    double now_ = 0;
    Share disk_, cpu_, wait_;
    std::unordered_map<GuestId, Job> jobs_;
    double used_ = 0;  ///< MiB
    double memory_full_ = 0, io_full_ = 0, io_some_ = 0;
};

}  // namespace drover
