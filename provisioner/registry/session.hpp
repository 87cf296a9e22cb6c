#pragma once
#include <soci/soci.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "model/time.hpp"
#include "registry/readers.hpp"
#include "registry/reserve.hpp"
#include "registry/uptime.hpp"
#include "registry/writer.hpp"

namespace drover {

/// What work inside one transaction gets.
struct Transaction {
    soci::session& sql;
    const Time now;  ///< the same for everything that this transaction writes
    const std::function<Uptime()>& uptime;
    bool event_added = false;  ///< watchers of events are told after the commit
};

/// What a session lives by.
struct SessionOptions {
    std::function<Time()> clock = drover::now;       ///< tells the time that transactions write
    std::function<Uptime()> uptime = kernel_uptime;  ///< tells how much time has passed
    long long reserve = 0;                           ///< bytes kept for a full disk, in a file "reserve" beside it
};

/// The connections to the database: one that writes and some that read, so that nobody who reads waits until somebody
/// else's commit is on the disk. Any thread.
class Session {
  public:
    /// Opens or creates the file with WAL, synchronous=FULL, foreign keys and a busy timeout of 10 s.
    /// Error{unavailable} when the file cannot be opened.
    explicit Session(const std::string& file, SessionOptions options = {});

    /// Runs `work(Transaction&)` in one transaction and returns what it returns: committed durably when it returns,
    /// undone when it throws. `commit` names it among the failpoints: "commit.step". Database errors come out as Error:
    /// a constraint as refused, a full disk or an I/O error as unavailable. Not to be called from within `work`, which
    /// runs again, on what is there then, when the reserve had to be given up for it.
    template <typename Work> auto transact(std::string_view commit, Work&& work) {
        return result_of(work, [&](const auto& run) { write(commit, run); });
    }

    /// The same for work that only reads: all of it sees one state of the database, what was committed before included.
    template <typename Work> auto read(Work&& work) {
        return result_of(work, [&](const auto& run) { look(run); });
    }

    /// Called after each commit that added events, from the committing thread, outside of the lock. Set it before other
    /// threads use the session.
    void watch_events(std::function<void()> added) { events_added_ = std::move(added); }

    /// Writes a consistent copy to a new file, durably, while other transactions go on. Error{refused} when the file
    /// exists.
    void copy_to(const std::string& file) const;

    /// What its writes cost.
    [[nodiscard]] const CallMeter& writes() const { return writer_.meter(); }
    /// The file that it was opened with.
    [[nodiscard]] const std::string& file() const { return file_; }

  private:
    template <typename Work, typename In> static auto result_of(Work& work, In in) {
        using Result = std::invoke_result_t<Work&, Transaction&>;
        if constexpr (std::is_void_v<Result>) {
            in(std::ref(work));
        } else {
            std::optional<Result> result;
            in([&](Transaction& transaction) { result.emplace(work(transaction)); });
            return std::move(*result);
        }
    }
    void write(std::string_view commit, const std::function<void(Transaction&)>& work);
    void look(const std::function<void(Transaction&)>& work);

    std::string file_;
    SessionOptions options_;
    Reserve reserve_;
    std::function<void()> events_added_;
    Writer writer_;
    Readers readers_;
};

}  // namespace drover
