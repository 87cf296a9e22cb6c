#include "golden.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace drover {

void expect_golden(const std::string& name, const std::string& text) {
    const auto path = std::string(DROVER_SOURCE) + "/tests/golden/" + name;
    const auto* accept = std::getenv("DROVER_ACCEPT_GOLDEN");
    if (accept != nullptr && std::string(accept) == "1") {
        std::ofstream file(path);
        ASSERT_TRUE(file << text << std::flush) << path;
        return;
    }
    std::ifstream file(path);
    std::ostringstream wanted;
    wanted << file.rdbuf();
    EXPECT_EQ(text, wanted.str()) << path << "; when the change is meant: DROVER_ACCEPT_GOLDEN=1";
}

}  // namespace drover
