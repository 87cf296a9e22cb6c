#include "herd/slots.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace drover {
namespace {

TEST(Slots, AreGivenInTheOrderOfTheLine) {
    Slots slots(1);
    EXPECT_TRUE(slots.enter(1));
    EXPECT_FALSE(slots.enter(2));
    EXPECT_FALSE(slots.enter(3));
    EXPECT_EQ(slots.leave(), 2);
    EXPECT_FALSE(slots.enter(4)) << "it is kept for 2";
    EXPECT_TRUE(slots.enter(2));
    EXPECT_EQ(slots.leave(), 3);
}

TEST(Slots, GoOnToTheNextWhenTheOneThatTheyWereKeptForHasNoUseForThem) {
    Slots slots(1);
    EXPECT_TRUE(slots.enter(1));
    EXPECT_FALSE(slots.enter(2));
    EXPECT_FALSE(slots.enter(3));
    EXPECT_EQ(slots.leave(), 2);
    EXPECT_EQ(slots.decline(2), 3);
    EXPECT_TRUE(slots.enter(3));
    EXPECT_EQ(slots.leave(), std::nullopt);
    EXPECT_TRUE(slots.enter(2));
}

// Whatever guests do that were called, everybody who waits is called in the end, and never more are inside than may be.
RC_GTEST_PROP(Slots, NeverForgetAnybodyInLine, ()) {
    const int count = *rc::gen::inRange(1, 5);
    Slots slots(count);
    std::set<GuestId> waiting, called;
    int inside = 0;
    const auto call = [&](std::optional<GuestId> next) {
        if (!next) return;
        RC_ASSERT(waiting.erase(*next) == 1U);
        called.insert(*next);
    };
    const auto try_to_enter = [&](GuestId id) {
        if (slots.enter(id)) {
            ++inside;
        } else {
            waiting.insert(id);
        }
        called.erase(id);
        RC_ASSERT(inside <= count);
    };
    for (const int move : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 30))) {
        if (move < 20) {
            try_to_enter(move);
        } else if (!called.empty()) {
            const GuestId id = *called.begin();
            called.erase(id);
            call(slots.decline(id));
        } else if (inside > 0) {
            --inside;
            call(slots.leave());
        }
    }
    while (inside > 0 || !called.empty()) {
        if (!called.empty()) {
            try_to_enter(*called.begin());
        } else {
            --inside;
            call(slots.leave());
        }
    }
    RC_ASSERT(waiting.empty());
}

}  // namespace
}  // namespace drover
