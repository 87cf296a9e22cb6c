#pragma once
#include <functional>
#include <vector>

#include "config/config.hpp"
#include "model/rounds.hpp"
#include "registry/registry.hpp"
#include "storage/copy_store.hpp"

namespace drover {

/// What befalls guests and their copies as time goes by: a copy is kept no longer, a lease ends. It reads the registry
/// and writes what guests should be; the herd does the rest.
class Fleet {
  public:
    /// `nudge` tells the herd of guests that are to be something else.
    Fleet(const Config& config, Registry& registry, CopyStore& copies,
          std::function<void(const std::vector<GuestId>&)> nudge);
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    /// Begins, with what a daemon that was killed left.
    void start();
    /// Some time may be nearer than it was. Any thread.
    void wake();
    /// Removes the files of a copy whose removal has begun, then the last word of it. Any thread.
    void remove(const Copy& copy);

  private:
    void round();
    void take(const Leases::Due& due);
    void order(const Guest& guest, Verb verb);
    [[nodiscard]] Duration until_next();

    const Config& config_;
    Registry& registry_;
    CopyStore& copies_;
    std::function<void(const std::vector<GuestId>&)> nudge_;
    Rounds rounds_;
};

}  // namespace drover
