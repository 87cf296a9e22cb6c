#include "simulation/fake_domains.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include "model/error.hpp"
#include "model/sync.hpp"
#include "simulation/fake_world.hpp"
#include "simulation/store.hpp"
#include "simulation/voices.hpp"

namespace drover {
namespace {

void expect_file(const std::string& file) {
    if (!std::filesystem::exists(file)) throw Error(ErrorKind::failed, fmt::format("'{}' is not there", file));
}

}  // namespace

struct FakeDomains::State {
    explicit State(const Options& options)
        : kvm(options.kvm),
          store(options.folder, "domain"),
          voices(options.folder, [this](GuestId id) { stop(id); }),
          thread([this] { work(); }) {
        load();
    }
    ~State() {
        world.lock()->ending = true;
        happened.notify_all();
        thread.join();
    }

    // Does something to the world; its guests and its files follow before anybody else can look.
    template <typename Deed> auto with_world(Deed deed) {
        auto held = world.lock();
        struct AtEnd {
            State& state;
            FakeWorld& world;
            ~AtEnd() { state.settle(world); }
        } at_end{*this, *held};
        return deed(*held);
    }

    void load();
    void settle(FakeWorld& held);
    void stop(GuestId id);
    void work();

    const bool kvm;
    const Store store;
    Synchronized<FakeWorld> world;
    std::condition_variable happened;
    Synchronized<std::function<void(GuestId)>> changed;
    Voices voices;
    std::thread thread;
};

void FakeDomains::State::load() {
    auto held = world.lock();
    for (const auto id : store.ids()) {
        const auto& domain = held->domains[id] = fake_domain_of(store.recall(id));
        if (!domain.live) continue;
        voices.go_on(id);
        voices.mute(id, domain.paused);
    }
}

void FakeDomains::State::settle(FakeWorld& held) {
    for (const auto id : std::exchange(held.changed, {})) {
        const auto* domain = held.find(id);
        if (domain == nullptr || !domain->exists()) {
            held.domains.erase(id);
            store.forget(id);
            voices.forget(id);
            continue;
        }
        store.keep(id, to_json(*domain));
        if (domain->live) {
            voices.mute(id, domain->paused || !held.behaviour(id).answers);
        } else {
            voices.halt(id);
        }
    }
    if (!held.news.empty()) happened.notify_all();
}

// It was told on its channel, and unless it was started anew since, it obeys.
void FakeDomains::State::stop(GuestId id) {
    with_world([&](FakeWorld& held) {
        if (voices.told_to_stop(id)) held.end(id, true);
    });
}

// Tells of changes with the world unlocked, as libvirt does.
void FakeDomains::State::work() {
    pthread_setname_np(pthread_self(), "fake-events");
    while (true) {
        std::vector<GuestId> news;
        {
            auto held = world.lock();
            happened.wait(held.handle(), [&] { return held->ending || !held->news.empty(); });
            if (held->ending) return;
            news = std::exchange(held->news, {});
        }
        auto listener = changed.lock();
        for (const auto id : news)
            if (*listener) (*listener)(id);
    }
}

FakeDomains::FakeDomains() : FakeDomains(Options{}) {}
FakeDomains::FakeDomains(const Options& options) : state_(std::make_unique<State>(options)) {}
FakeDomains::~FakeDomains() = default;

void FakeDomains::define(const DomainSpec& spec) {
    state_->with_world([&](FakeWorld& world) {
        world.check(spec.id);
        world.domains[spec.id].defined = spec;
        world.changed.insert(spec.id);
    });
}

void FakeDomains::start(GuestId id) {
    state_->with_world([&](FakeWorld& world) {
        world.check(id);
        auto* domain = world.find(id);
        if (domain != nullptr && domain->live) return;
        if (domain == nullptr || !domain->defined)
            throw Error(ErrorKind::not_found, fmt::format("domain {} is not defined", id));
        auto& behaviour = world.behaviour(id);
        if (behaviour.failing_starts > 0) {
            --behaviour.failing_starts;
            throw Error(ErrorKind::failed, fmt::format("start domain {}: it was told to fail", id));
        }
        domain->live = domain->defined;
        if (behaviour.loses_key) state_->voices.forget(id);
        state_->voices.boot(id);
        ++domain->starts;
        world.tell(id);
        if (behaviour.dies_at_start) world.end(id, false);
    });
}

std::map<std::string, std::string> FakeDomains::needs(const DomainSpec& spec) {
    return state_->with_world([&](FakeWorld& world) {
        if (!world.reachable) throw Error(ErrorKind::unavailable, "the hypervisor is out of reach");
        return std::map<std::string, std::string>{{"release", world.release}, {"layout", fmt::to_string(spec.cpus)}};
    });
}

void FakeDomains::boot_template(const DomainSpec& spec, const std::string& memory) {
    expect_file(memory);
    state_->with_world([&](FakeWorld& world) {
        world.check(spec.id);
        auto& domain = world.domains[spec.id];
        if (domain.live) throw Error(ErrorKind::failed, "the template runs already");
        domain.live = spec;
        state_->voices.fork(spec.id);
        world.tell(spec.id);
    });
}

void FakeDomains::freeze(const std::string& state) {
    expect_file(state);
    state_->with_world([&](FakeWorld& world) {
        world.running(template_id);
        std::ofstream(state) << "frozen\n";
        world.end(template_id, false);
    });
}

void FakeDomains::fork(const DomainSpec& spec, const TemplateFiles& files) {
    expect_file(files.memory);
    expect_file(files.state);
    state_->with_world([&](FakeWorld& world) {
        world.check(spec.id);
        auto& behaviour = world.behaviour(spec.id);
        auto& domain = world.domains[spec.id];
        if (domain.live) return;
        world.changed.insert(spec.id);
        if (behaviour.failing_forks > 0) {
            --behaviour.failing_forks;
            throw Error(ErrorKind::failed, fmt::format("fork domain {}: it was told to fail", spec.id));
        }
        domain.live = spec;
        ++domain.forks;
        state_->voices.fork(spec.id, behaviour.refuses_renewal);
        world.tell(spec.id);
    });
}

void FakeDomains::suspend(GuestId id) {
    state_->with_world([&](FakeWorld& world) {
        if (!std::exchange(world.running(id).paused, true)) world.tell(id);
    });
}

void FakeDomains::resume(GuestId id) {
    state_->with_world([&](FakeWorld& world) {
        if (std::exchange(world.running(id).paused, false)) world.tell(id);
    });
}

void FakeDomains::press_power_button(GuestId id) {
    state_->with_world([&](FakeWorld& world) {
        world.check(id);
        const auto* domain = world.find(id);
        if (domain != nullptr && domain->run() == Run::running && world.behaviour(id).obeys_button) world.end(id, true);
    });
}

void FakeDomains::force_off(GuestId id) {
    state_->with_world([&](FakeWorld& world) {
        world.check(id);
        world.end(id, false);
    });
}

void FakeDomains::undefine(GuestId id) {
    state_->with_world([&](FakeWorld& world) {
        world.check(id);
        auto* domain = world.find(id);
        if (domain == nullptr || !domain->defined) return;
        domain->defined.reset();
        world.tell(id);
    });
}

void FakeDomains::rename(const DomainSpec& spec, bool live) {
    state_->with_world([&](FakeWorld& world) {
        world.check(spec.id);
        auto* domain = world.find(spec.id);
        if (domain == nullptr) throw Error(ErrorKind::not_found, fmt::format("there is no domain {}", spec.id));
        auto& part = live ? domain->live : domain->defined;
        if (!part) throw Error(ErrorKind::not_found, fmt::format("domain {} is not there so", spec.id));
        part->name = spec.name;
        part->owner = spec.owner;
        world.changed.insert(spec.id);
    });
}

void FakeDomains::set_background(GuestId id, bool /*background*/) {
    state_->with_world([&](FakeWorld& world) { world.check(id); });
}

std::vector<DomainSeen> FakeDomains::list() {
    return state_->with_world([](FakeWorld& world) {
        if (!world.reachable) throw Error(ErrorKind::unavailable, "the hypervisor is out of reach");
        std::vector<DomainSeen> all;
        for (const auto& [id, domain] : world.domains)
            if (id > 0 && !world.foreign.contains(id)) all.push_back(seen(id, domain));
        return all;
    });
}

DomainSeen FakeDomains::look(GuestId id) {
    return state_->with_world([&](FakeWorld& world) {
        world.check(id);
        const auto* domain = world.find(id);
        return domain == nullptr ? DomainSeen{.id = id} : seen(id, *domain);
    });
}

std::optional<double> FakeDomains::cpu_seconds(GuestId id) {
    return state_->with_world([&](FakeWorld& world) -> std::optional<double> {
        world.check(id);
        return std::nullopt;
    });
}

UniqueFd FakeDomains::open_channel(GuestId id) {
    return state_->with_world([&](FakeWorld& world) {
        world.running(id);
        return state_->voices.connect(id);
    });
}

void FakeDomains::watch(std::function<void(GuestId)> changed) { *state_->changed.lock() = std::move(changed); }

bool FakeDomains::probe_kvm(const std::string&, const std::string&) { return state_->kvm; }

void FakeDomains::behave(GuestId id, const Behaviour& behaviour) {
    state_->with_world([&](FakeWorld& world) {
        world.behaviours[id] = behaviour;
        world.changed.insert(id);
    });
}

void FakeDomains::behave(const Behaviour& behaviour) {
    state_->with_world([&](FakeWorld& world) {
        world.common = behaviour;
        for (const auto& [id, domain] : world.domains) world.changed.insert(id);
    });
}

void FakeDomains::crash(GuestId id) {
    state_->with_world([&](FakeWorld& world) { world.end(id, false); });
}

void FakeDomains::power_off(GuestId id) {
    state_->with_world([&](FakeWorld& world) { world.end(id, true); });
}

void FakeDomains::reboot(GuestId id) {
    state_->with_world([&](FakeWorld& world) {
        const auto* domain = world.find(id);
        if (domain != nullptr && domain->live) state_->voices.boot(id);
    });
}

void FakeDomains::set_release(const std::string& release) {
    state_->with_world([&](FakeWorld& world) { world.release = release; });
}

void FakeDomains::set_reachable(bool reachable) {
    state_->with_world([&](FakeWorld& world) {
        if (std::exchange(world.reachable, reachable) != reachable) world.news.push_back(0);
    });
}

void FakeDomains::add_foreign(GuestId id) {
    state_->with_world([&](FakeWorld& world) { world.foreign.insert(id); });
}

int FakeDomains::starts(GuestId id) const {
    return state_->with_world([&](FakeWorld& world) {
        const auto* domain = world.find(id);
        return domain == nullptr ? 0 : domain->starts;
    });
}

int FakeDomains::forks(GuestId id) const {
    return state_->with_world([&](FakeWorld& world) {
        const auto* domain = world.find(id);
        return domain == nullptr ? 0 : domain->forks;
    });
}

control::Identity FakeDomains::identity(GuestId id) const { return state_->voices.identity(id); }

std::vector<std::string> FakeDomains::authorized_keys(GuestId id) const { return state_->voices.authorized_keys(id); }

}  // namespace drover
