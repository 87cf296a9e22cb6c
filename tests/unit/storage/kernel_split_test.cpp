#include "storage/kernel_split.hpp"

#include <cstdint>
#include <cstring>

#include "fixture.hpp"
#include "storage/durable.hpp"

namespace drover {
namespace {

/// A file with the header of a kernel that can be moved, a setup of two sectors in all, and `payload` after it.
std::string kernel_with(const std::string& payload) {
    std::string file(1024, 'S');
    file[0x1f1] = 1;                               // sectors of the setup, but for the first
    std::memcpy(&file[0x202], "HdrS\x0f\x02", 6);  // protocol 2.15
    file[0x211] = 1;                               // loaded at 1 MiB
    file[0x234] = 1;                               // can be moved
    return file + payload;
}

struct KernelSplitTest : testing::Test {
    TempFolder folder;
    fs::path kernel = folder.path() / "vmlinuz", initrd = folder.path() / "initrd";

    void split(const std::string& kernel_bytes, const std::string& initrd_bytes = "cpio") {
        fs::remove(kernel);
        fs::remove(initrd);
        write_new_file(kernel, kernel_bytes, 0644);
        write_new_file(initrd, initrd_bytes, 0644);
        split_kernel(kernel, initrd);
    }
    [[nodiscard]] std::uint32_t number_at(std::size_t at) const {
        std::uint32_t number = 0;
        std::memcpy(&number, read_file(kernel).data() + at, sizeof number);
        return number;
    }
};

TEST_F(KernelSplitTest, ThePayloadIsAtTheFrontOfTheInitrdAndItsSizeInTheCode) {
    const std::string payload(10'000, 'p');
    split(kernel_with(payload));
    EXPECT_EQ(read_file(initrd), payload + std::string(3 * 4096 - payload.size(), '\0') + "cpio");
    EXPECT_EQ(read_file(kernel).substr(0, 1024), kernel_with(""));
    EXPECT_EQ(read_file(kernel).size(), 1024U + 48U);
    EXPECT_EQ(number_at(1024 + 15), 3 * 4096U / 4);
    EXPECT_EQ(number_at(1024 + 33), 3 * 4096U);
}

TEST_F(KernelSplitTest, WhatWasSplitOrIsNoKernelThatCanBeMovedStaysAsItIs) {
    split(kernel_with(std::string(10'000, 'p')));
    const auto kernel_bytes = read_file(kernel), initrd_bytes = read_file(initrd);
    split_kernel(kernel, initrd);
    EXPECT_EQ(read_file(kernel), kernel_bytes);
    EXPECT_EQ(read_file(initrd), initrd_bytes);

    auto fixed = kernel_with(std::string(10'000, 'p')), old = fixed, low = fixed, without_magic = fixed;
    fixed[0x234] = 0;
    old[0x206] = 9;
    low[0x211] = 0;
    without_magic[0x202] = 'X';
    for (const auto& other : {fixed, old, low, without_magic, std::string("#!/bin/sh\n"), std::string()}) {
        split(other);
        EXPECT_EQ(read_file(kernel), other);
        EXPECT_EQ(read_file(initrd), "cpio");
    }
}

}  // namespace
}  // namespace drover
