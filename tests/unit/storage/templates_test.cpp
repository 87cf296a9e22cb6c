#include "storage/templates.hpp"

#include <sys/stat.h>

#include "fixture.hpp"
#include "storage/durable.hpp"

namespace drover {
namespace {

constexpr long long mib = 1 << 20;
const std::map<std::string, std::string> needs{{"qemu", "7.2.0"}, {"version", "sha256:aa"}};

class TemplatesTest : public testing::Test {
  protected:
    Template make(const std::map<std::string, std::string>& of = needs) {
        auto draft = store.begin(template_key(of), mib);
        draft.image = "tiny";
        draft.needs = of;
        write(draft.state(), "state");
        return store.finish(draft);
    }

    TempFolder folder;
    TemplateStore store{folder.path() / "state", "+0:+0"};
};

TEST_F(TemplatesTest, AKeyIsOfEverythingThatIsNeeded) {
    auto others = needs;
    others["qemu"] = "7.2.1";
    EXPECT_EQ(template_key(needs).size(), 32U);
    EXPECT_NE(template_key(needs), template_key(others));
    EXPECT_NE(template_key({{"a", "b\nc 1 d"}}), template_key({{"a", "b"}, {"c", "d"}}));
}

TEST_F(TemplatesTest, WhatIsMadeIsLoadedAndItsMemoryIsAllThere) {
    const auto made = make();
    const auto found = store.load(made.key);
    EXPECT_EQ(found.needs, needs);
    EXPECT_EQ(found.image, "tiny");
    struct stat info {};
    ASSERT_EQ(::stat(found.memory().c_str(), &info), 0);
    EXPECT_EQ(info.st_size, mib);
    EXPECT_GE(info.st_blocks * 512LL, mib) << "a hole would be filled while a guest runs";
    EXPECT_EQ(mode_of(found.memory()), 0600U);
    EXPECT_EQ(store.all().size(), 1U);
}

TEST_F(TemplatesTest, AChangedByteIsRefusedByTheNameOfItsFile) {
    const auto made = make();
    for (const auto& file : {made.memory(), made.state()}) {
        std::ofstream(file, std::ios::in | std::ios::out) << "x";
        try {
            static_cast<void>(store.load(made.key));
            FAIL() << file;
        } catch (const Error& error) {
            EXPECT_THAT(error.what(), testing::HasSubstr(file));
        }
        static_cast<void>(make());
    }
}

TEST_F(TemplatesTest, AManifestOfSomethingElseIsRefused) {
    const auto made = make();
    const auto file = made.folder + "/manifest.json";
    auto text = read(file);
    text.replace(text.find("7.2.0"), 5, "8.0.0");
    write(file, text);
    EXPECT_THROW(static_cast<void>(store.load(made.key)), Error);
}

TEST_F(TemplatesTest, ASweepTakesWhatNobodyCanUse) {
    const auto made = make();
    const auto draft = store.begin(template_key({}), mib);
    fs::create_directories(folder.path() / "state/templates/broken");
    EXPECT_TRUE(fs::exists(draft.folder));
    store.sweep();
    EXPECT_EQ(names_in(folder.path() / "state/templates"), std::vector{made.key});
}

TEST_F(TemplatesTest, WithoutRoomItIsSaidBeforeAnythingIsWritten) {
    EXPECT_THROW(static_cast<void>(store.begin("0", 1LL << 50)), DiskFull);
    EXPECT_TRUE(names_in(folder.path() / "state/templates").empty());
}

}  // namespace
}  // namespace drover
