#pragma once
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "model/guest.hpp"
#include "simulation/fake_guest.hpp"

namespace drover {

/// A guest as it speaks.
struct Voice {
    std::optional<FakeGuest> guest;
    bool muted = false;

    [[nodiscard]] bool listens() const { return guest && !muted; }
};

/// What is kept of what a guest remembers.
nlohmann::json to_json(const FakeGuest::Memory& memory);
/// From what was kept; null: it remembers nothing.
FakeGuest::Memory memory_of(const nlohmann::json& json);

/// What becomes of a guest's lines.
enum class LineDeed {
    open,   ///< one more, whose end has been given
    close,  ///< all of them
};

/// What the threads of Voices share.
struct Choir {
    std::map<GuestId, Voice> voices;
    std::deque<std::pair<GuestId, LineDeed>> deeds;  ///< still to be done by the thread "guests"
    std::set<GuestId> due;                           ///< somebody connected or it may speak again
    std::deque<GuestId> stopping;                    ///< told to stop, of which nobody was told yet
    bool ending = false;

    /// Null when it is gone or never was: what comes late leaves nothing behind.
    Voice* find(GuestId id) {
        const auto found = voices.find(id);
        return found == voices.end() ? nullptr : &found->second;
    }
};

}  // namespace drover
