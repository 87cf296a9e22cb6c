#pragma once
#include <soci/soci.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "model/error.hpp"
#include "model/sync.hpp"

namespace drover {

/// The connection that writes. Threads that come at the same time share a commit, and with it the wait for the disk,
/// but neither their errors nor what these undo. Whoever finds nobody behind him commits for all who came before, so
/// that one who is alone waits for nobody. Any thread.
class Writer {
  public:
    /// `make_room` is asked for space when the disk has none; false: there is no more to be had.
    Writer(const std::string& file, std::function<bool()> make_room);

    /// Runs `work` in a transaction: committed durably when it returns, undone when it throws. It runs again, on what
    /// is there then, when it was undone for want of space that another's work needed or that could be made. `name` is
    /// the commit's among the failpoints.
    void run(std::string_view name, const std::function<void(soci::session&)>& work);

  private:
    /// Those who share a commit.
    struct Group {
        int members = 0;
        bool ended = false;
        bool undone = false;         ///< without their fault: they take part in another one
        std::optional<Error> error;  ///< why it could not be committed
    };
    struct Database {
        soci::session sql;
        std::shared_ptr<Group> open;  ///< takes members; null: no transaction is begun
    };

    bool take_part(std::string_view name, const std::function<void(soci::session&)>& work);
    static std::shared_ptr<Group> join(Database& database);
    std::exception_ptr attempt(Database& database, const std::function<void(soci::session&)>& work);
    void commit(Database& database);
    Group& end(Database& database);

    std::function<bool()> make_room_;
    std::atomic<int> arriving_ = 0;  ///< threads that wait for the database
    std::condition_variable group_ended_;
    Synchronized<Database> database_;
};

}  // namespace drover
