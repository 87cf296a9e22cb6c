#pragma once
#include <sys/socket.h>

#include <array>
#include <functional>
#include <map>
#include <string_view>
#include <thread>
#include <vector>

#include "model/sync.hpp"
#include "simulation/fake_domains.hpp"

namespace drover {

/// The guest's end of a channel in the hands of a test.
class Line {
  public:
    explicit Line(UniqueFd end) : end_(std::move(end)) {}
    /// Blocks while the daemon does not read; false when it has hung up.
    [[nodiscard]] bool say(std::string_view text) const {
        while (!text.empty()) {
            const ssize_t size = ::send(end_.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (size <= 0) return false;
            text.remove_prefix(static_cast<std::size_t>(size));
        }
        return true;
    }
    /// What the daemon says next; empty when it has hung up.
    [[nodiscard]] std::string hear() const {
        std::array<char, 4096> bytes{};
        const ssize_t size = ::recv(end_.get(), bytes.data(), bytes.size(), 0);
        return {bytes.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
    }

  private:
    UniqueFd end_;
};

/// FakeDomains, some of whose guests say what a test has them say.
class PossessedDomains : public FakeDomains {
  public:
    /// What happens at the guest's end of each channel, on a thread of its own, until it returns; it must return when
    /// the line is dead.
    using Script = std::function<void(const Line&)>;

    ~PossessedDomains() override { wait(); }

    /// Until all scripts have returned; nobody may open channels any more.
    void wait() {
        for (std::thread& thread : threads_) thread.join();
        threads_.clear();
    }

    void possess(GuestId id, Script script) { (*scripts_.lock())[id] = std::move(script); }

    /// The hypervisor says that it is about to start the guest, whatever becomes of it; or no longer.
    void set_starting_up(GuestId id, bool on) { (*starting_up_.lock())[id] = on; }

    DomainSeen look(GuestId id) override {
        DomainSeen seen = FakeDomains::look(id);
        seen.starting_up = (*starting_up_.lock())[id];
        if (seen.starting_up) seen.run = Run::unknown;
        return seen;
    }

    UniqueFd open_channel(GuestId id) override {
        auto scripts = scripts_.lock();
        const auto script = scripts->find(id);
        if (script == scripts->end()) return FakeDomains::open_channel(id);
        std::array<int, 2> ends{-1, -1};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
            throw Error(ErrorKind::failed, "no sockets left");
        threads_.emplace_back([run = script->second, end = ends[0]] { run(Line(UniqueFd(end))); });
        return UniqueFd(ends[1]);
    }

  private:
    Synchronized<std::map<GuestId, Script>> scripts_;
    Synchronized<std::map<GuestId, bool>> starting_up_;
    std::vector<std::thread> threads_;  // guarded by the lock of scripts_
};

}  // namespace drover
