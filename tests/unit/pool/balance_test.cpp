#include "pool/balance.hpp"

#include <gtest/gtest.h>
// after gtest
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

/// What a pool lacks and has too much of, over any members and any wish.
namespace drover {
namespace {

Judged any_member(GuestId id) {
    Judged member{.id = id};
    member.desired = *rc::gen::element(Desired::parked, Desired::stopped, Desired::gone);
    member.phase = *rc::gen::elementOf(std::vector<Phase>(all_phases.begin(), all_phases.end() - 1));
    member.current = *rc::gen::weightedElement<bool>({{4, true}, {1, false}});
    member.spoiled = member.desired != Desired::gone && *rc::gen::weightedElement<bool>({{1, true}, {6, false}});
    return member;
}

std::vector<Judged> any_members() {
    std::vector<Judged> members;
    const int count = *rc::gen::inRange(0, 20);
    for (int id = 1; id <= count; ++id) members.push_back(any_member(id));
    return members;
}

Wanted any_wish() {
    return {.stopped = *rc::gen::inRange(0, 12),
            .parked = *rc::gen::inRange(0, 12),
            .room = *rc::gen::inRange(-2, 5),
            .memory_short = *rc::gen::weightedElement<bool>({{1, true}, {3, false}}),
            .leaving = *rc::gen::inRange(0, 5)};
}

std::vector<GuestId> all_of(const Moves& moves) {
    std::vector<GuestId> ids;
    for (const auto* part : {&moves.drop_spoiled, &moves.drop_outdated, &moves.drop_surplus, &moves.park})
        ids.insert(ids.end(), part->begin(), part->end());
    return ids;
}

/// The members after the moves, each of which comes to its end at once.
std::vector<Judged> settled(std::vector<Judged> members, const Moves& moves) {
    const auto is_in = [](const std::vector<GuestId>& ids, GuestId id) {
        return std::find(ids.begin(), ids.end(), id) != ids.end();
    };
    std::vector<Judged> result;
    GuestId last = 0;
    for (Judged member : members) {
        last = std::max(last, member.id);
        if (member.desired == Desired::gone || is_in(moves.drop_spoiled, member.id) ||
            is_in(moves.drop_outdated, member.id) || is_in(moves.drop_surplus, member.id))
            continue;
        if (is_in(moves.park, member.id)) member.desired = Desired::parked;
        member.phase = Judged::to_phase(member.desired);
        result.push_back(member);
    }
    for (const auto& [desired, count] :
         {std::pair(Desired::parked, moves.make_parked), std::pair(Desired::stopped, moves.make_stopped)})
        for (long long i = 0; i < count; ++i)
            result.push_back({.id = ++last, .desired = desired, .phase = Judged::to_phase(desired)});
    return result;
}

RC_GTEST_PROP(Balance, MovesEachMemberOnceAndNoMoreThanThereIsRoomFor, ()) {
    const auto members = any_members();
    const auto wish = any_wish();
    const Moves moves = balance(members, wish);
    const auto ids = all_of(moves);
    RC_ASSERT(std::set<GuestId>(ids.begin(), ids.end()).size() == ids.size());
    const auto making = moves.make_parked + moves.make_stopped + std::ssize(moves.park);
    RC_ASSERT(making <= std::max(0, wish.room));
    const auto leaving = std::count_if(members.begin(), members.end(),
                                       [](const Judged& member) { return member.desired == Desired::gone; });
    const auto dropped = std::ssize(moves.drop_outdated) + std::ssize(moves.drop_surplus);
    RC_ASSERT(dropped == 0 || leaving + dropped <= wish.leaving);
    if (wish.memory_short) RC_ASSERT(moves.make_parked == 0 && moves.park.empty());
}

RC_GTEST_PROP(Balance, SendsAwayWhatIsSpoiledAndNeverParksIt, ()) {
    const auto members = any_members();
    const Moves moves = balance(members, any_wish());
    for (const Judged& member : members) {
        const auto is_in = [&](const std::vector<GuestId>& ids) {
            return std::find(ids.begin(), ids.end(), member.id) != ids.end();
        };
        RC_ASSERT(is_in(moves.drop_spoiled) == (member.spoiled && member.desired != Desired::gone));
        if (is_in(moves.park)) RC_ASSERT(member.is_there() && member.desired == Desired::stopped);
        if (is_in(moves.drop_outdated)) RC_ASSERT(!member.current);
    }
}

RC_GTEST_PROP(Balance, EndsWithWhatIsWanted, ()) {
    auto members = any_members();
    auto wish = any_wish();
    wish.memory_short = false;
    wish.room = std::max(1, wish.room);
    wish.leaving = std::max(1, wish.leaving);
    for (int round = 0; round < 100; ++round) {
        members = settled(members, balance(members, wish));
    }
    const Levels levels = levels_of(settled(members, {}));
    RC_ASSERT(levels == (Levels{.stopped = wish.stopped, .parked = wish.parked}));
}

RC_GTEST_PROP(Balance, GivesUpAllThatIsParkedWhereMemoryStaysShort, ()) {
    auto members = any_members();
    auto wish = any_wish();
    wish.memory_short = true;
    wish.leaving = 1;
    for (int round = 0; round < 100; ++round) members = settled(members, balance(members, wish));
    RC_ASSERT(levels_of(members).parked == 0);
}

TEST(Balance, TakesTheOldestFirst) {
    std::vector<Judged> members;
    for (GuestId id = 1; id <= 4; ++id) members.push_back({.id = id, .phase = Phase::parked, .current = id > 3});
    const Moves moves = balance(members, {.parked = 1, .room = 2, .leaving = 2});
    EXPECT_EQ(moves.drop_outdated, (std::vector<GuestId>{1, 2}));
    EXPECT_EQ(moves.make_parked, 0);
}

TEST(Balance, WhereMemoryIsShortTheOldestGoesAlone) {
    std::vector<Judged> members;
    for (GuestId id = 1; id <= 4; ++id) members.push_back({.id = id, .phase = Phase::parked});
    const Moves moves = balance(members, {.parked = 4, .room = 2, .memory_short = true, .leaving = 1});
    EXPECT_EQ(moves.drop_surplus, std::vector<GuestId>{1});
    EXPECT_EQ(moves.make_parked, 0);
}

}  // namespace
}  // namespace drover
