#pragma once
#include <functional>
#include <future>
#include <map>
#include <string>

#include "model/sync.hpp"

namespace drover {

/// Does a piece of work once for all who ask for it at the same time. Thread-safe.
template <typename Value> class SingleFlight {
  public:
    /// What `work` returns or throws; or what the same work under `key`, begun by somebody else, does: `joined` is
    /// called before waiting for that.
    Value run(const std::string& key, const std::function<Value()>& work, const std::function<void()>& joined) {
        std::promise<Value> promise;
        std::shared_future<Value> theirs = enter(key, promise);
        if (theirs.valid()) {
            joined();
            return theirs.get();
        }
        try {
            Value value = work();
            leave(key);
            promise.set_value(value);
            return value;
        } catch (...) {
            leave(key);
            promise.set_exception(std::current_exception());
            throw;
        }
    }

  private:
    /// The flight under way; none: ours is entered.
    std::shared_future<Value> enter(const std::string& key, std::promise<Value>& promise) {
        auto flights = flights_.lock();
        const auto found = flights->find(key);
        if (found != flights->end()) return found->second;
        flights->emplace(key, promise.get_future().share());
        return {};
    }

    void leave(const std::string& key) { flights_.lock()->erase(key); }

    Synchronized<std::map<std::string, std::shared_future<Value>>> flights_;
};

}  // namespace drover
