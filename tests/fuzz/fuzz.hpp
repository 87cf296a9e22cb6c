#pragma once
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>

#include "model/error.hpp"

/// What all fuzzers share. A fuzzer is one LLVMFuzzerTestOneInput: driven by libFuzzer (`tools/dev fuzz`), and fed the
/// kept corpus in every test run (replay.cpp). What leaves it by throwing is a finding.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace drover::fuzz {

/// An input: its first byte chooses what reads the rest, so that one fuzzer covers readers that share their language.
/// '0' chooses the first of up to 16.
struct Input {
    std::size_t choice = 0;
    std::string_view text;

    Input(const std::uint8_t* data, std::size_t size) {
        if (size == 0) return;
        choice = data[0] % 16U;  // '0' is 48
        text = {reinterpret_cast<const char*>(data) + 1, size - 1};
    }
};

/// Does `work`, which may refuse its input by an Error: that is what a strict reader is for.
template <typename Work> void may_refuse(Work work) {
    try {
        work();
    } catch (const Error&) {
        return;
    }
}

/// A promise about what was read; a broken one is a finding.
inline void hold(bool promise, const char* what) {
    if (!promise) throw std::logic_error(what);
}

}  // namespace drover::fuzz
