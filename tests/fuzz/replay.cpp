#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz.hpp"

namespace {

/// Feeds a fuzzer all that is kept of its corpus: seeds, what the long runs added, and every finding there ever was.
TEST(Corpus, TRUST_9_IsTakenOrRefusedInOrder) {
    int inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(DROVER_CORPUS)) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        EXPECT_NO_THROW(LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()))
            << entry.path();
        ++inputs;
    }
    EXPECT_GT(inputs, 0) << "nothing in " << DROVER_CORPUS;
}

}  // namespace
