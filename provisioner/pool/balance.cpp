#include "pool/balance.hpp"

#include <algorithm>

namespace drover {
namespace {

bool stays(const Judged& member) { return member.current && !member.spoiled && member.desired != Desired::gone; }

/// Those that count for the target of `desired`, the oldest first.
std::vector<Judged> those(const std::vector<Judged>& members, Desired desired) {
    std::vector<Judged> result;
    std::copy_if(members.begin(), members.end(), std::back_inserter(result),
                 [&](const Judged& member) { return stays(member) && member.desired == desired; });
    return result;
}

long long excess(const std::vector<Judged>& members, long long target) {
    return std::max(0LL, static_cast<long long>(members.size()) - target);
}

/// Takes at most `most` of `ids` and counts them off.
std::vector<GuestId> some(const std::vector<GuestId>& ids, long long& most) {
    const auto count = std::clamp(most, 0LL, static_cast<long long>(ids.size()));
    most -= count;
    return {ids.begin(), ids.begin() + count};
}

std::vector<GuestId> first_ids(const std::vector<Judged>& members, long long count) {
    std::vector<GuestId> ids;
    for (const Judged& member : members)
        if (static_cast<long long>(ids.size()) < count) ids.push_back(member.id);
    return ids;
}

/// The oldest that takes up memory.
std::vector<GuestId> oldest_in_memory(const std::vector<Judged>& parked) {
    const auto found = std::find_if(parked.begin(), parked.end(), [](const Judged& member) {
        return member.phase == Phase::parked || member.phase == Phase::starting;
    });
    return found == parked.end() ? std::vector<GuestId>{} : std::vector<GuestId>{found->id};
}

}  // namespace

Moves balance(const std::vector<Judged>& members, const Wanted& wanted) {
    Moves moves;
    std::vector<GuestId> outdated;
    long long may_leave = wanted.leaving;
    for (const Judged& member : members) {
        if (member.desired == Desired::gone)
            --may_leave;
        else if (member.spoiled)
            moves.drop_spoiled.push_back(member.id);
        else if (!member.current)
            outdated.push_back(member.id);
    }
    auto parked = those(members, Desired::parked), stopped = those(members, Desired::stopped);
    const long long surplus_parked = excess(parked, wanted.parked);
    const auto leave =
        wanted.memory_short && surplus_parked == 0 ? oldest_in_memory(parked) : first_ids(parked, surplus_parked);
    moves.drop_surplus = some(leave, may_leave);
    moves.drop_outdated = some(outdated, may_leave);

    long long room = wanted.room, spare = excess(stopped, wanted.stopped);
    long long lacking = wanted.memory_short ? 0 : std::max(0LL, wanted.parked - static_cast<long long>(parked.size()));
    for (const Judged& member : stopped) {
        if (spare == 0 || lacking == 0 || room <= 0) break;
        if (!member.is_there()) continue;
        moves.park.push_back(member.id);
        --spare, --lacking, --room;
    }
    moves.make_parked = std::clamp(lacking, 0LL, std::max(0LL, room));
    room -= moves.make_parked;
    const long long lacking_stopped = std::max(0LL, wanted.stopped - static_cast<long long>(stopped.size()));
    moves.make_stopped = std::clamp(lacking_stopped, 0LL, std::max(0LL, room));
    if (lacking == 0)
        for (const GuestId id : some(first_ids(stopped, spare), may_leave)) moves.drop_surplus.push_back(id);
    return moves;
}

Levels levels_of(const std::vector<Judged>& members) {
    Levels levels;
    for (const Judged& member : members) {
        if (member.desired == Desired::gone || member.spoiled)
            ++levels.leaving;
        else if (!member.current)
            ++levels.outdated;
        else if (!member.is_there())
            ++levels.making;
        else
            ++(member.desired == Desired::parked ? levels.parked : levels.stopped);
    }
    return levels;
}

}  // namespace drover
