#include "registry/writer.hpp"

#include <exception>
#include <utility>

#include "model/failpoint.hpp"
#include "registry/sqlite.hpp"

namespace drover {
namespace {

constexpr int most_members = 64;  // so that the first of them does not wait for long

}  // namespace

Writer::Writer(const std::string& file, std::function<bool()> make_room) : make_room_(std::move(make_room)) {
    keep_private(file);
    connect(database_.lock()->sql, file);
}

void Writer::run(std::string_view name, const std::function<void(soci::session&)>& work) {
    while (!take_part(name, work)) {
    }
    failpoint(name, ".after");
}

/// False: what it did is undone, and may succeed now.
bool Writer::take_part(std::string_view name, const std::function<void(soci::session&)>& work) {
    ++arriving_;
    auto database = database_.lock();
    --arriving_;
    const auto group = join(*database);
    const auto thrown = attempt(*database, work);
    if (!thrown && !group->ended) failpoint(name, ".before");
    if (!group->ended && (arriving_ == 0 || group->members == most_members)) commit(*database);
    group_ended_.wait(database.handle(), [&] { return group->ended; });
    if (group->undone) return false;
    if (group->error) throw Error(*group->error);  // not what was thrown: that was of a state that never came to be
    if (thrown) std::rethrow_exception(thrown);
    return true;
}

std::shared_ptr<Writer::Group> Writer::join(Database& database) {
    if (!database.open) {
        try {
            database.sql << "BEGIN IMMEDIATE";
        } catch (const soci::soci_error& error) {
            throw translated(error);
        }
        database.open = std::make_shared<Group>();
    }
    ++database.open->members;
    return database.open;
}

/// What `work` threw, its doings undone; or nothing. Where the disk refuses, those of the whole group are.
std::exception_ptr Writer::attempt(Database& database, const std::function<void(soci::session&)>& work) {
    auto& sql = database.sql;
    std::exception_ptr thrown;
    try {
        sql << "SAVEPOINT member";
        try {
            work(sql);
        } catch (const soci::soci_error& error) {
            if (is_of_the_disk(error)) throw;
            thrown = std::make_exception_ptr(translated(error));
        } catch (...) {
            thrown = std::current_exception();
        }
        if (thrown) sql << "ROLLBACK TO member";
        sql << "RELEASE member";
    } catch (const soci::soci_error& error) {
        roll_back(sql);
        end(database).undone = true;
        if (!is_of_the_disk(error) || !make_room_()) throw translated(error);
    }
    return thrown;
}

void Writer::commit(Database& database) {
    try {
        database.sql << "COMMIT";
        end(database);
    } catch (const soci::soci_error& error) {
        roll_back(database.sql);
        auto& group = end(database);
        group.undone = is_of_the_disk(error) && make_room_();
        if (!group.undone) group.error = translated(error);
    }
}

/// Lets its members go, once the lock is given up, and the next one begin another.
Writer::Group& Writer::end(Database& database) {
    auto& group = *std::exchange(database.open, nullptr);
    group.ended = true;
    group_ended_.notify_all();
    return group;
}

}  // namespace drover
