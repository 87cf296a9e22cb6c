// Holds schema/openapi.yaml against the routes, and the table of who may do what in the docs against both.
#include "api/routes.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <boost/algorithm/string/case_conv.hpp>
#include <fstream>
#include <map>
#include <regex>

namespace drover {
namespace {

using testing::ElementsAreArray;

constexpr std::array roles{"root", "admin", "owner", "stranger", "gateway"};
constexpr const char* guide_page = DROVER_SOURCE "/docs/operations-guide.md";

/// One operation of the description.
struct Described {
    std::string method, path;
    std::map<std::string, std::string> who;
};

std::vector<Described> described() {
    std::vector<Described> result;
    for (const auto& path : YAML::LoadFile(DROVER_SOURCE "/schema/openapi.yaml")["paths"]) {
        for (const auto& operation : path.second) {
            const auto method = operation.first.as<std::string>();
            if (method == "parameters") continue;
            const auto who = operation.second["x-who"];
            result.push_back(
                {boost::to_upper_copy(method), path.first.as<std::string>(),
                 who ? who.as<std::map<std::string, std::string>>() : std::map<std::string, std::string>{}});
        }
    }
    return result;
}

/// "/v1/guests/{name}" as the routes have it: "/v1/guests/*".
std::string pattern_of(const std::string& path) {
    static const std::regex parameter("\\{[^}]*\\}");
    return std::regex_replace(path, parameter, "*");
}

std::string row_of(const Described& operation) {
    std::string row = fmt::format("| `{} {}` |", operation.method, operation.path);
    for (const char* role : roles) row += fmt::format(" {} |", operation.who.at(role));
    return row;
}

/// The rows of the table in the guide, which are the only ones that begin with a method.
std::vector<std::string> rows_of_guide() {
    static const std::regex row("\\| `[A-Z]+ /.*");
    std::ifstream file(guide_page);
    std::vector<std::string> result;
    for (std::string line; std::getline(file, line);) {
        if (std::regex_match(line, row)) result.push_back(line);
    }
    return result;
}

TEST(Routes, AreTheOperationsThatAreDescribed) {
    std::vector<std::string> expected, found;
    for (const Described& operation : described()) expected.push_back(operation.method + pattern_of(operation.path));
    for (const Route& route : routes()) found.push_back(fmt::format("{}{}", route.method, route.path));
    EXPECT_THAT(found, testing::UnorderedElementsAreArray(expected));
}

TEST(Routes, SayForEveryRoleWhatItMayDo) {
    for (const Described& operation : described()) {
        std::vector<std::string> named;
        for (const auto& [role, may] : operation.who) {
            named.push_back(role);
            EXPECT_THAT(may, testing::AnyOf("all", "own", "none", "denied")) << operation.method << operation.path;
        }
        EXPECT_THAT(named, testing::UnorderedElementsAreArray(roles)) << operation.method << operation.path;
    }
}

TEST(Routes, AreForAdministratorsOnlyWhereTheDescriptionDeniesThemToOthers) {
    for (const Described& operation : described()) {
        for (const Route& route : routes()) {
            if (route.method != operation.method || route.path != pattern_of(operation.path)) continue;
            const bool denied = operation.who.at("owner") == "denied";
            EXPECT_EQ(route.who == Who::administrators, denied) << operation.method << operation.path;
        }
    }
}

TEST(Routes, HaveTheTableInTheGuideThatIsDescribed) {
    std::vector<std::string> expected;
    for (const Described& operation : described()) expected.push_back(row_of(operation));
    EXPECT_THAT(rows_of_guide(), ElementsAreArray(expected)) << "the table in docs/operations-guide.md should be:\n"
                                                             << fmt::format("{}", fmt::join(expected, "\n"));
}

}  // namespace
}  // namespace drover
