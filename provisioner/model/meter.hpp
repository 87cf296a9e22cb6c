#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>

/// Numbers that are counted where something happens, and read by whoever shows them. Any thread; a few atomic
/// operations a time.
namespace drover {

/// A number that only grows.
class Count {
  public:
    void add(long long more = 1) { value_.fetch_add(more, std::memory_order_relaxed); }
    [[nodiscard]] long long value() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<long long> value_ = 0;
};

/// How many are under way: one is for as long as this lives.
class UnderWay {
  public:
    explicit UnderWay(std::atomic<int>& count) : count_(count) { ++count_; }
    ~UnderWay() { --count_; }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;

  private:
    std::atomic<int>& count_;
};

/// How often something took how long.
class Spans {
  public:
    using Clock = std::chrono::steady_clock;

    /// Seconds; the last bucket has no bound.
    static constexpr std::array bounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,  0.25,
                                       0.5,   1.0,    2.5,   5.0,  10.0,  30.0, 60.0, 300.0};
    struct Reading {
        std::array<long long, bounds.size() + 1> counts{};
        double sum = 0;  ///< seconds
        [[nodiscard]] long long count() const {
            long long all = 0;
            for (const long long each : counts) all += each;
            return all;
        }
    };

    void note(Clock::duration took) {
        const double seconds = std::chrono::duration<double>(took).count();
        const auto* bound = std::lower_bound(bounds.begin(), bounds.end(), seconds);
        counts_.at(static_cast<std::size_t>(bound - bounds.begin())).add();
        microseconds_.add(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
    }
    [[nodiscard]] Reading read() const {
        Reading reading;
        for (std::size_t i = 0; i < counts_.size(); ++i) reading.counts.at(i) = counts_.at(i).value();
        reading.sum = static_cast<double>(microseconds_.value()) / 1e6;
        return reading;
    }

  private:
    std::array<Count, bounds.size() + 1> counts_;
    Count microseconds_;
};

/// Calls out: to a hypervisor, a program, a disk.
struct CallMeter {
    std::atomic<int> under_way = 0;
    Count failed;
    Spans took;
};

}  // namespace drover
