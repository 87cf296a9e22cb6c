#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

#include "fixture.hpp"
#include "registry/sql.hpp"

namespace drover::test {
namespace {

/// A registry under a random hand, and what must hold after everything that it does.
class Hand {
  public:
    Hand()
        : registry_({file_, schema_folder, GuestRules{.quarantine = std::chrono::minutes(2)}, [this] { return time_; },
                     [this] {
                         return Uptime{"boot", time_.time_since_epoch()};
                     }}) {
        registry_.images.add("tiny", digest_one);
        registry_.owners.set({"alice", 8, {}, {}}, 0);
        registry_.owners.set({"bob", 5, {}, {}}, 0);
    }

    void act() {
        switch (*rc::gen::inRange(0, 8)) {
            case 0:
            case 1: request(); break;
            case 2:
            case 3: change(); break;
            case 7: time_ += std::chrono::minutes(*rc::gen::inRange(0, 3)); break;
            default: save(); break;
        }
    }

    void check() {
        check_guests();
        check_operations();
    }

  private:
    void request() {
        GuestRequest request;
        request.owner = *rc::gen::element<std::string>("alice", "bob");
        request.count = *rc::gen::inRange(1, 7);
        request.additional = *rc::gen::arbitrary<bool>();
        request.image = *rc::gen::element<std::optional<std::string>>(std::nullopt, "tiny", "debian");
        try {
            const auto answer = registry_.guests.request(root, request, reservation_);
            for (const auto& name : answer.created) RC_ASSERT(names_.insert(name).second);
        } catch (const Error& error) {
            RC_ASSERT(error.kind() == ErrorKind::refused);
        }
    }

    void change() {
        const auto verb = *rc::gen::element(Verb::start, Verb::stop, Verb::restart, Verb::rebuild, Verb::retire);
        const auto glob = *rc::gen::element<std::string>("*", "alice-*", "bob-?", "*1", "*[2-5]");
        try {
            registry_.guests.change(root, {verb, {{glob}, {}, false}}, std::nullopt);
        } catch (const Error& error) {
            RC_ASSERT(error.kind() == ErrorKind::not_found);
        }
    }

    /// Some guest gets where it should, somewhere else, or breaks.
    void save() {
        const auto ids = registry_.guests.ids();
        if (ids.empty()) return;
        const auto before = registry_.guests.get(*rc::gen::elementOf(ids)).value();
        auto after = before;
        switch (*rc::gen::inRange(0, 5)) {
            case 0: after.fault = Fault{"start", "broken", time_}; break;
            case 1: after.phase = Phase::stopped; break;
            default: after.have = before.want; after.phase = where_it_should_be(before.desired);
        }
        RC_ASSERT(registry_.guests.save(before, after, "phase", "moved"));
        RC_ASSERT(!registry_.guests.save(before, after, "phase", "moved again"));
    }

    static Phase where_it_should_be(Desired desired) {
        switch (desired) {
            case Desired::stopped: return Phase::stopped;
            case Desired::parked: return Phase::parked;
            case Desired::ready: return Phase::ready;
            case Desired::gone: return Phase::gone;
        }
        return Phase::reserved;
    }

    void check_guests() {
        std::set<Address> addresses;
        std::map<std::string, long long> kept;
        std::size_t living = 0;
        for (const Guest& guest : registry_.guests.list({.selection = {}, .gone = true, .where = {}}, std::nullopt)) {
            RC_ASSERT(names_.contains(guest.name));
            if (guest.phase == Phase::gone) continue;
            ++living;
            RC_ASSERT(addresses.insert(guest.address).second);
            RC_ASSERT(guest.address >= reservation_.network.first && guest.address <= reservation_.network.last);
            if (guest.desired != Desired::gone) ++kept[*guest.owner];
        }
        RC_ASSERT(living == registry_.guests.ids().size());
        for (const Owner& owner : registry_.owners.list()) {
            RC_ASSERT(owner.guests == kept[owner.name]);
            RC_ASSERT(owner.guests <= owner.quota);
        }
    }

    void check_operations() {
        std::map<GuestId, OperationId> pending;
        for (const Operation& listed : registry_.operations.list(10000)) {
            const auto operation = registry_.operations.get(listed.id);
            std::map<std::string, long long> by_outcome;
            for (const Item& item : operation.items) {
                ++by_outcome[item.outcome];
                if (item.outcome == "pending") RC_ASSERT(pending.emplace(item.guest, operation.id).second);
            }
            const auto total = static_cast<long long>(operation.items.size());
            const auto good = by_outcome["done"] + by_outcome["unchanged"];
            RC_ASSERT(operation.total == total);
            RC_ASSERT(operation.done == total - by_outcome["pending"]);
            RC_ASSERT(operation.finished.has_value() == (operation.done == total));
            const auto* ended = good == total ? "done" : good == 0 ? "failed" : "partial";
            RC_ASSERT(operation.outcome == (operation.finished ? ended : "running"));
        }
        for (const auto& [id, operation] : pending) check_owed(registry_.guests.get(id).value(), operation);
    }

    /// A pending item is of the operation that wrote the guest last, and something is left to do.
    static void check_owed(const Guest& guest, OperationId operation) {
        RC_ASSERT(guest.operation == operation);
        RC_ASSERT(!guest.settled());
        RC_ASSERT(!guest.fault);
    }

    TemporaryFolder folder_;
    std::string file_ = folder_ / "registry.db";
    Time time_{std::chrono::days{20000}};
    Reservation reservation_{"tiny", "plain", digest_one, Kind::vm, "local", network_of(parse_subnet("10.77.0.0/28"))};
    std::set<std::string> names_;
    Registry registry_;
};

RC_GTEST_PROP(RegistryProperties, hold_whatever_is_done_in_whatever_order, ()) {
    const auto actions = *rc::gen::inRange(1, 40);
    Hand hand;
    for (int i = 0; i < actions; ++i) {
        hand.act();
        hand.check();
    }
}

}  // namespace
}  // namespace drover::test
