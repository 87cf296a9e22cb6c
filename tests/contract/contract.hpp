#pragma once
#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdlib>
#include <map>

#include "model/error.hpp"
#include "model/sync.hpp"
#include "worlds.hpp"

namespace drover {

/// The kind of Error that `call` throws; fails the test when it throws none.
template <typename Call> ErrorKind kind_of(Call call) {
    try {
        call();
    } catch (const Error& error) {
        EXPECT_STRNE(error.what(), "");
        return error.kind();
    }
    ADD_FAILURE() << "no error";
    return ErrorKind::failed;
}

/// A test that every world must pass.
class Contract : public testing::TestWithParam<WorldKind> {
  protected:
    void SetUp() override {
        if (GetParam().make) {
            world_ = GetParam().make();
            return;
        }
        const auto* ci = std::getenv("CI");
        if (ci != nullptr && std::string(ci) == "true") FAIL() << "no libvirtd answers at qemu:///system";
        GTEST_SKIP() << "no libvirtd answers at qemu:///system: run this in tools/lab";
    }

    World& world() { return *world_; }
    Domains& domains() { return world_->domains(); }
    Networks& networks() { return world_->networks(); }

  private:
    std::unique_ptr<World> world_;
};

inline std::string name_of(const testing::TestParamInfo<WorldKind>& info) { return info.param.name; }

}  // namespace drover
