#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/guest.hpp"
#include "model/sync.hpp"

namespace drover {

/// What guests print on their consoles, on disk: a folder for each guest that only root can read, in it a file for each
/// of its last starts. Bounded: of one start at most `bytes`, the latest, in two halves <n>.old and <n>.log, of which
/// the older one goes when the newer one is full; of one guest the last `boots` starts. Nothing is synced: after a
/// power cut the last seconds may be missing. Any thread; Error{failed} naming the path.
class LogStore {
  public:
    struct Limits {
        long long bytes = 256LL << 10;
        int boots = 3;
    };

    /// How far somebody has read who reads on.
    struct Place {
        std::int64_t boot = 0;  ///< the file's number
        long long turns = 0;    ///< how often that one's older half had gone
        long long at = 0;       ///< bytes into its newer half
    };

    /// `folder` is made with the first log.
    LogStore(std::filesystem::path folder, Limits limits) : folder_(std::move(folder)), limits_(limits) {}

    /// The guest starts: what it prints from now on goes into a file of its own, which begins with this line. When it
    /// printed nothing since the last call, that one's file serves again.
    void begin(GuestId id, std::string_view line);
    /// It runs already: what it prints is added to the last file that is there. `line` comes before the next bytes,
    /// if there was a file at all.
    void go_on(GuestId id, std::string_view line);
    /// Adds. Of a guest for which neither was called since its last forget(): nothing, it has no log.
    void append(GuestId id, std::string_view bytes);
    /// Its logs are gone; absent: nothing.
    void remove(GuestId id);

    /// All that is kept of its last start (0), the one before (1), ...; none: of that one nothing is kept.
    [[nodiscard]] std::optional<std::string> read(GuestId id, int boots_ago) const;
    /// Where the last file ends: for more().
    [[nodiscard]] Place end(GuestId id) const;
    /// What was added since, `place` moves on; what was gone before it was read is left out. Only while go_on() or
    /// begin() of this process know the guest.
    [[nodiscard]] std::string more(GuestId id, Place& place) const;

  private:
    struct Log {
        std::int64_t boot = 0;
        long long size = 0;   ///< of the newer half
        long long turns = 0;  ///< how often it became the older one, as far as this process saw
        long long first = 0;  ///< bytes of our own at its beginning
        std::string line;     ///< to come before the next bytes
    };
    using Logs = std::unordered_map<GuestId, Log>;

    [[nodiscard]] std::filesystem::path folder_of(GuestId id) const;
    [[nodiscard]] std::vector<std::int64_t> boots_of(GuestId id) const;
    [[nodiscard]] std::string text_of(GuestId id, std::int64_t boot) const;
    void write(GuestId id, Log& log, std::string_view bytes) const;
    void forget_old(GuestId id, std::int64_t boot) const;

    std::filesystem::path folder_;
    Limits limits_;
    mutable Synchronized<Logs> logs_;
};

}  // namespace drover
