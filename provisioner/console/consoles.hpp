#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "console/log_store.hpp"
#include "model/guest.hpp"
#include "model/time.hpp"
#include "model/unique_fd.hpp"

namespace drover {

/// Who sits at a console.
struct Visit {
    std::string who;
    Time since;
};

/// A place at a guest's console, kept for whoever holds it until it is let go or taken by somebody else.
class Seat {
  public:
    Seat(GuestId id, Visit visit) : id_(id), visit_(std::move(visit)) {}
    [[nodiscard]] GuestId guest() const { return id_; }
    [[nodiscard]] const Visit& visit() const { return visit_; }

  private:
    GuestId id_;
    Visit visit_;
};
using SeatPtr = std::shared_ptr<const Seat>;

/// The consoles of all guests that run: one thread reads them, keeps what they print in a log for each, and passes
/// bytes between a console and whoever sits at it.
///
/// Who prints at full speed is read at 64 KiB a second in the long run, all guests together at 4 MiB: the rest waits in
/// the guest, and what nobody prints costs nothing. A visitor who does not read misses what does not fit into 64 KiB,
/// and holds neither the guest nor its log; a guest that does not read holds its visitor alone. All methods may be
/// called from any thread.
class Consoles {
  public:
    /// What is known of all.
    struct Figures {
        std::size_t open = 0, visitors = 0;
        long long bytes = 0;   ///< printed by guests, since this process started
        long long errors = 0;  ///< writes of logs that failed
    };

    /// `folder` is for the logs.
    Consoles(std::string folder, LogStore::Limits limits);
    /// Closes all and joins the thread.
    ~Consoles();
    Consoles(const Consoles&) = delete;
    Consoles& operator=(const Consoles&) = delete;

    /// Has `closed` called, by the thread, when a console ended by itself; it must return fast and call nothing here.
    /// Null ends that: once this returns, it runs no more.
    void watch(std::function<void(GuestId)> closed);
    /// The guest is about to start: its log begins anew. A log that cannot be written holds no guest
    /// up: the daemon's log tells.
    void begin(GuestId id, const std::string& name);
    /// Takes a raw, non-blocking tty as the console of a guest; one that is open already stays.
    void open(GuestId id, UniqueFd console);
    [[nodiscard]] bool is_open(GuestId id) const;
    /// The guest is gone: console, visitor and logs end. Error{failed} when the logs cannot be removed.
    void remove(GuestId id);

    /// A seat at a console that is open. Error{refused} when somebody sits there, unless `by_force`: then they lose it.
    /// Error{refused} also when it is not open.
    SeatPtr take_seat(GuestId id, const std::string& who, bool by_force);
    /// From now on `visitor`, a connected stream socket, and the console talk to each other, until either ends or the
    /// seat is lost; then it is closed. `said` came from the visitor already.
    void sit_down(const SeatPtr& seat, UniqueFd visitor, const std::string& said);
    /// Who sits there.
    [[nodiscard]] std::optional<Visit> visitor(GuestId id) const;

    [[nodiscard]] const LogStore& logs() const;
    [[nodiscard]] Figures figures() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace drover
