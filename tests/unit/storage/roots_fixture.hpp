#pragma once
#include <string>

#include "fixture.hpp"
#include "storage/roots.hpp"

namespace drover {

/// A recipe without packages: a root, a kernel and an initrd of a few bytes.
inline const std::string good_assemble = R"(#!/bin/sh
set -eu
out=$2
mkdir -p tree/.oldroot tree/etc
: > tree/etc/machine-id
cp "$3" tree/init
mksquashfs tree "$out/root.squashfs" -noappend -quiet -no-progress -all-root -all-time 0 -mkfs-time 0 >/dev/null
rm -r tree
echo kernel > "$out/vmlinuz"
echo initrd > "$out/initrd"
)";

struct RootsTest : testing::Test {
    TempFolder temp;
    StoragePaths paths = paths_below(temp.path());
    Roots roots{paths};

    RootsTest() { recipe(good_assemble); }

    void recipe(const std::string& assemble, const std::string& yaml = "") { recipe_in(paths.images, assemble, yaml); }
    static void recipe_in(const fs::path& images, const std::string& assemble, const std::string& yaml = "") {
        const auto folder = images / "small";
        write(folder / "image.yaml", "name: small\nprofile: basic\nkernel_parameters: quiet\n" + yaml);
        write(folder / "assemble", assemble);
        fs::permissions(folder / "assemble", fs::perms(0755));
    }
    /// The good recipe with more shell code before the root is packed.
    void recipe_with(const std::string& shell) {
        auto text = good_assemble;
        recipe(text.insert(text.find("mksquashfs"), shell + "\n"));
    }
    Version build() { return roots.build("small", nullptr); }
    void expect_nothing_visible() {
        EXPECT_THAT(roots.versions(), testing::IsEmpty());
        EXPECT_THAT(names_in(fs::path(paths.state) / "tmp"), testing::IsEmpty());
    }
};

}  // namespace drover
