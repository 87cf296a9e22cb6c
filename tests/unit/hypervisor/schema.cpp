#include "schema.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>

namespace drover {

testing::AssertionResult is_valid(const std::string& schema, const std::string& xml) {
    const auto path = testing::TempDir() + fmt::format("drover-{}-{}.xml", schema, ::getpid());
    auto* file = std::fopen(path.c_str(), "w");
    std::fputs(xml.c_str(), file);
    std::fclose(file);
    auto* output = ::popen(fmt::format("virt-xml-validate {} {} 2>&1", path, schema).c_str(), "r");
    std::string said;
    std::array<char, 512> line{};
    while (std::fgets(line.data(), line.size(), output) != nullptr) said += line.data();
    const int status = ::pclose(output);
    std::remove(path.c_str());
    return status == 0 ? testing::AssertionSuccess() : testing::AssertionFailure() << said;
}

}  // namespace drover
