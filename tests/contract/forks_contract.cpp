#include "contract.hpp"

namespace drover {
namespace {

class ForksContract : public Contract {
  protected:
    Forks& forks() { return world().forks(); }
    /// A template of a guest that sleeps.
    TemplateFiles make_template() {
        const auto spec = world().sleeper(template_id);
        const TemplateFiles files{world().file("memory", spec.memory), world().file("state", 0)};
        forks().boot_template(spec, files.memory);
        forks().freeze(files.state);
        return files;
    }
};

INSTANTIATE_TEST_SUITE_P(On, ForksContract, testing::ValuesIn(forking_worlds()), name_of);

TEST_P(ForksContract, AForkRunsAndItsDefinitionStaysPlain) {
    const auto files = make_template();
    EXPECT_TRUE(domains().list().empty()) << "templates are no guests";
    auto spec = world().sleeper(7);
    spec.make = {"sha256:" + std::string(64, 'b'), 3, 9};
    domains().define(spec);
    forks().fork(spec, files);
    forks().fork(spec, files);
    EXPECT_EQ(domains().look(7), (DomainSeen{7, true, Run::running, false, spec.make, spec.name}));
    domains().suspend(7);
    domains().resume(7);
    EXPECT_EQ(domains().look(7).run, Run::running);
    domains().force_off(7);
    EXPECT_EQ(domains().look(7).run, Run::off);
    domains().start(7);
    EXPECT_EQ(domains().look(7).run, Run::running);
}

TEST_P(ForksContract, ManyForksOfOneTemplateRunAtOnce) {
    const auto files = make_template();
    for (const GuestId id : {1, 2, 3}) forks().fork(world().sleeper(id), files);
    for (const GuestId id : {1, 2, 3}) EXPECT_EQ(domains().look(id).run, Run::running);
    for (const GuestId id : {1, 2, 3}) domains().force_off(id);
}

TEST_P(ForksContract, AForkThatFailsLeavesNothingRunning) {
    auto files = make_template();
    files.state += "-that-is-not-there";
    const auto spec = world().sleeper(7);
    domains().define(spec);
    EXPECT_EQ(kind_of([&] { forks().fork(spec, files); }), ErrorKind::failed);
    EXPECT_EQ(domains().look(7).run, Run::off);
    domains().start(7);
    EXPECT_EQ(domains().look(7).run, Run::running);
}

TEST_P(ForksContract, ATemplateIsEndedLikeAGuestAndOnlyOneRuns) {
    const auto spec = world().sleeper(template_id);
    const auto memory = world().file("memory", spec.memory);
    forks().boot_template(spec, memory);
    EXPECT_EQ(kind_of([&] { forks().boot_template(spec, memory); }), ErrorKind::failed);
    domains().force_off(template_id);
    domains().force_off(template_id);
    EXPECT_EQ(kind_of([&] { forks().freeze(world().file("late", 0)); }), ErrorKind::not_found);
    forks().boot_template(spec, memory);
    domains().force_off(template_id);
}

TEST_P(ForksContract, WhatAForkNeedsIsTheSameForGuestsThatDifferInNameAlone) {
    auto one = world().sleeper(1), other = world().sleeper(2);
    EXPECT_EQ(forks().needs(one), forks().needs(other));
    other.cpus = 2;
    EXPECT_NE(forks().needs(one), forks().needs(other));
}

}  // namespace
}  // namespace drover
