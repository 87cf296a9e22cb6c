#include "registry/writer.hpp"

#include <pthread.h>

#include <utility>

#include "model/failpoint.hpp"
#include "model/thread.hpp"
#include "registry/sqlite.hpp"

namespace drover {

Writer::Writer(const std::string& file, std::function<bool()> make_room) : make_room_(std::move(make_room)) {
    keep_private(file);
    connect(sql_, file);
    thread_ = std::thread([this] { serve(); });
    pthread_setname_np(thread_.native_handle(), "registry");
}

Writer::~Writer() {
    queue_.lock()->ending = true;
    came_.notify_one();
    thread_.join();
}

void Writer::run(std::string_view name, const std::function<void(soci::session&)>& work) {
    const auto began = Spans::Clock::now();
    const UnderWay one(meter_.under_way);
    Task task{.name = name, .work = work, .thrown = nullptr};
    queue_.lock()->waiting.push_back(&task);
    came_.notify_one();
    task.ended.acquire();
    meter_.took.note(Spans::Clock::now() - began);
    if (task.thrown) std::rethrow_exception(task.thrown);
    failpoint(name, ".after");
}

void Writer::serve() {
    be_nice(-10);  // everybody waits for it
    for (;;) {
        Group group;
        {
            auto queue = queue_.lock();
            came_.wait(queue.handle(), [&] { return queue->ending || !queue->waiting.empty(); });
            group = std::exchange(queue->waiting, {});
            if (group.empty()) return;
        }
        commit(std::move(group));
    }
}

/// Where the disk refuses, all are undone: who could not write fails, unless room can be made, and the others are
/// written anew.
void Writer::commit(Group group) {
    while (!group.empty()) {
        Group::const_iterator at = group.begin();
        try {
            write(group, at);
            return end(group);
        } catch (const soci::soci_error& error) {
            roll_back(sql_);
            if (is_of_the_disk(error) && make_room_()) continue;
            meter_.failed.add();
            const auto thrown = std::make_exception_ptr(translated(error));
            if (at == group.end()) {  // all are written, but not for good
                for (Task* task : group) task->thrown = thrown;
                return end(group);
            }
            (*at)->thrown = thrown;
            end({*at});
            group.erase(at);
        }
    }
}

/// `at` tells who is being written; the end: all are.
void Writer::write(const Group& group, Group::const_iterator& at) {
    sql_ << "BEGIN IMMEDIATE";
    for (; at != group.end(); ++at) {
        (*at)->thrown = attempt(**at);
        if (!(*at)->thrown) failpoint((*at)->name, ".before");
    }
    sql_ << "COMMIT";
}

/// What the work threw, its doings undone; or nothing.
std::exception_ptr Writer::attempt(const Task& task) {
    std::exception_ptr thrown;
    sql_ << "SAVEPOINT member";
    try {
        task.work(sql_);
    } catch (const soci::soci_error& error) {
        if (is_of_the_disk(error)) throw;
        thrown = std::make_exception_ptr(translated(error));
    } catch (...) {
        thrown = std::current_exception();
    }
    if (thrown) sql_ << "ROLLBACK TO member";
    sql_ << "RELEASE member";
    return thrown;
}

void Writer::end(const Group& group) {
    for (Task* task : group) task->ended.release();
}

}  // namespace drover
