#include "fakes/fake_domains.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "model/error.hpp"
#include "model/sync.hpp"

namespace drover {
namespace {

// One domain: what libvirt would know of it, and the guest in it.
struct Domain {
    std::optional<DomainSpec> defined, live;
    bool paused = false, powered_off_itself = false;
    int starts = 0;
    std::string host_key;  // kept on its overlay
    std::optional<FakeGuest> guest;
    std::deque<UniqueFd> lines;  // the guest's ends; as QEMU does, only the first is served

    [[nodiscard]] bool exists() const { return defined || live; }
    [[nodiscard]] Run run() const { return !live ? Run::off : paused ? Run::paused : Run::running; }
};

struct World {
    std::map<GuestId, Domain> domains;
    std::map<GuestId, Behaviour> behaviours;
    std::set<GuestId> foreign;
    Behaviour common;
    std::vector<GuestId> news;
    bool reachable = true, ending = false;

    Behaviour& behaviour(GuestId id) {
        const auto own = behaviours.find(id);
        return own == behaviours.end() ? common : own->second;
    }
    // The domain of the guest, an empty one when there is none.
    Domain& at(GuestId id) {
        if (!reachable) throw Error(ErrorKind::unavailable, "the hypervisor is out of reach");
        if (foreign.contains(id))
            throw Error(ErrorKind::refused, fmt::format("domain {} belongs to somebody else", id));
        return domains[id];
    }
    Domain& running(GuestId id) {
        auto& domain = at(id);
        if (!domain.live) throw Error(ErrorKind::not_found, fmt::format("domain {} is not running", id));
        return domain;
    }
    void end(GuestId id, bool by_itself) {
        auto& domain = domains[id];
        if (!domain.live) return;
        if (domain.guest) domain.host_key = domain.guest->host_key();
        domain.live.reset();
        domain.guest.reset();
        domain.lines.clear();
        domain.paused = false;
        domain.powered_off_itself = by_itself;
        news.push_back(id);
    }
};

// A guest that reads too slowly loses what it is told; a test that needs more than a socket's buffer would notice.
void say(const UniqueFd& line, const std::string& text) {
    if (!text.empty()) ::send(line.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

// The guest's turn: greets, reads what there is, answers. The line goes when the other end has closed it.
void serve(World& world, GuestId id) {
    auto& domain = world.domains[id];
    while (!domain.lines.empty() && domain.guest) {
        const auto& line = domain.lines.front();
        say(line, domain.guest->greet());
        std::array<char, 4096> bytes{};
        const auto count = ::recv(line.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (count < 0) return;
        if (count == 0) {
            domain.lines.pop_front();
            continue;
        }
        say(line, domain.guest->hear({bytes.data(), static_cast<std::size_t>(count)}));
        if (domain.guest->stopping()) world.end(id, true);
    }
}

bool listens(World& world, GuestId id, const Domain& domain) {
    return domain.run() == Run::running && !domain.lines.empty() && world.behaviour(id).answers;
}

DomainSeen seen(GuestId id, const Domain& domain) {
    DomainSeen result;
    result.id = id;
    if (!domain.exists()) return result;
    const auto& spec = domain.live ? *domain.live : *domain.defined;
    result.defined = domain.defined.has_value();
    result.run = domain.run();
    result.powered_off_itself = domain.run() == Run::off && domain.powered_off_itself;
    result.live = spec.make;
    result.name = spec.name;
    return result;
}

}  // namespace

struct FakeDomains::State {
    explicit State(bool kvm_works) : kvm(kvm_works), thread([this] { work(); }) {}
    ~State() {
        world.lock()->ending = true;
        wake();
        thread.join();
    }

    // Does something to the world and has the thread look at what came of it.
    template <typename Deed> auto with_world(Deed deed) {
        struct AtEnd {
            State& state;
            ~AtEnd() { state.wake(); }
        } at_end{*this};
        auto held = world.lock();
        return deed(*held);
    }

    void wake() const { ::eventfd_write(waker.get(), 1); }
    void work();
    std::vector<pollfd> watched();
    bool tell_news();

    const bool kvm;
    UniqueFd waker{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    Synchronized<World> world;
    Synchronized<std::function<void(GuestId)>> changed;
    std::thread thread;
};

void FakeDomains::State::work() {
    pthread_setname_np(pthread_self(), "fake-guests");
    while (tell_news()) {
        auto ready = watched();
        ::poll(ready.data(), ready.size(), -1);
        eventfd_t ignored = 0;
        ::eventfd_read(waker.get(), &ignored);
        auto held = world.lock();
        for (auto& [id, domain] : held->domains)
            if (listens(*held, id, domain)) serve(*held, id);
    }
}

std::vector<pollfd> FakeDomains::State::watched() {
    std::vector<pollfd> all{{waker.get(), POLLIN, 0}};
    auto held = world.lock();
    for (const auto& [id, domain] : held->domains)
        if (listens(*held, id, domain)) all.push_back({domain.lines.front().get(), POLLIN, 0});
    return all;
}

// With the world unlocked, as libvirt does. False at the end.
bool FakeDomains::State::tell_news() {
    std::vector<GuestId> news;
    {
        auto held = world.lock();
        if (held->ending) return false;
        news = std::exchange(held->news, {});
    }
    auto listener = changed.lock();
    for (const auto id : news)
        if (*listener) (*listener)(id);
    return true;
}

FakeDomains::FakeDomains(bool kvm) : state_(std::make_unique<State>(kvm)) {}
FakeDomains::~FakeDomains() = default;

void FakeDomains::define(const DomainSpec& spec) {
    state_->with_world([&](World& world) {
        world.at(spec.id).defined = spec;
        world.news.push_back(spec.id);
    });
}

void FakeDomains::start(GuestId id) {
    state_->with_world([&](World& world) {
        auto& domain = world.at(id);
        if (domain.live) return;
        if (!domain.defined) throw Error(ErrorKind::not_found, fmt::format("domain {} is not defined", id));
        auto& behaviour = world.behaviour(id);
        if (behaviour.failing_starts > 0) {
            --behaviour.failing_starts;
            throw Error(ErrorKind::failed, fmt::format("start domain {}: it was told to fail", id));
        }
        domain.live = domain.defined;
        domain.guest.emplace(domain.host_key);
        ++domain.starts;
        world.news.push_back(id);
        if (behaviour.dies_at_start) world.end(id, false);
    });
}

void FakeDomains::suspend(GuestId id) {
    state_->with_world([&](World& world) {
        if (!std::exchange(world.running(id).paused, true)) world.news.push_back(id);
    });
}

void FakeDomains::resume(GuestId id) {
    state_->with_world([&](World& world) {
        if (std::exchange(world.running(id).paused, false)) world.news.push_back(id);
    });
}

void FakeDomains::press_power_button(GuestId id) {
    state_->with_world([&](World& world) {
        if (world.at(id).run() == Run::running && world.behaviour(id).obeys_button) world.end(id, true);
    });
}

void FakeDomains::force_off(GuestId id) {
    state_->with_world([&](World& world) {
        world.at(id);
        world.end(id, false);
    });
}

void FakeDomains::undefine(GuestId id) {
    state_->with_world([&](World& world) {
        auto& domain = world.at(id);
        if (!domain.defined) return;
        domain.defined.reset();
        world.news.push_back(id);
    });
}

std::vector<DomainSeen> FakeDomains::list() {
    return state_->with_world([](World& world) {
        if (!world.reachable) throw Error(ErrorKind::unavailable, "the hypervisor is out of reach");
        std::vector<DomainSeen> all;
        for (const auto& [id, domain] : world.domains)
            if (domain.exists() && !world.foreign.contains(id)) all.push_back(seen(id, domain));
        return all;
    });
}

DomainSeen FakeDomains::look(GuestId id) {
    return state_->with_world([&](World& world) { return seen(id, world.at(id)); });
}

UniqueFd FakeDomains::open_channel(GuestId id) {
    return state_->with_world([&](World& world) {
        std::array<int, 2> ends{-1, -1};
        auto& domain = world.running(id);
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) < 0)
            throw Error(ErrorKind::failed, "no sockets left");
        domain.lines.emplace_back(ends[0]);
        return UniqueFd(ends[1]);
    });
}

void FakeDomains::watch(std::function<void(GuestId)> changed) { *state_->changed.lock() = std::move(changed); }

bool FakeDomains::probe_kvm(const std::string&, const std::string&) { return state_->kvm; }

void FakeDomains::behave(GuestId id, const Behaviour& behaviour) {
    state_->with_world([&](World& world) { world.behaviours[id] = behaviour; });
}

void FakeDomains::behave(const Behaviour& behaviour) {
    state_->with_world([&](World& world) { world.common = behaviour; });
}

void FakeDomains::crash(GuestId id) {
    state_->with_world([&](World& world) { world.end(id, false); });
}

void FakeDomains::power_off(GuestId id) {
    state_->with_world([&](World& world) { world.end(id, true); });
}

void FakeDomains::reboot(GuestId id) {
    state_->with_world([&](World& world) {
        auto& domain = world.domains[id];
        if (!domain.live) return;
        const std::string host_key = domain.guest->host_key();  // a copy: emplace ends the guest first
        domain.guest.emplace(host_key);
    });
}

void FakeDomains::set_reachable(bool reachable) {
    state_->with_world([&](World& world) {
        if (std::exchange(world.reachable, reachable) != reachable) world.news.push_back(0);
    });
}

void FakeDomains::add_foreign(GuestId id) {
    state_->with_world([&](World& world) { world.foreign.insert(id); });
}

int FakeDomains::starts() const {
    return state_->with_world([](World& world) {
        int sum = 0;
        for (const auto& [id, domain] : world.domains) sum += domain.starts;
        return sum;
    });
}

int FakeDomains::starts(GuestId id) const {
    return state_->with_world([&](World& world) { return world.domains[id].starts; });
}

control::Identity FakeDomains::identity(GuestId id) const {
    return state_->with_world([&](World& world) {
        const auto& guest = world.domains[id].guest;
        return guest ? guest->identity() : control::Identity{};
    });
}

std::vector<std::string> FakeDomains::authorized_keys(GuestId id) const {
    return state_->with_world([&](World& world) {
        const auto& guest = world.domains[id].guest;
        return guest ? guest->authorized_keys() : std::vector<std::string>{};
    });
}

}  // namespace drover
