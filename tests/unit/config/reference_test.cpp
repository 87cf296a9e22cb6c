// Holds schema/configuration.md against the parser.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "config/config.hpp"

namespace drover {
namespace {

struct Row {
    std::string key, standard;
    std::vector<std::string> accepted;
};

std::string page() {
    std::ifstream file(DROVER_SOURCE "/schema/configuration.md");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::vector<std::string> code_in(const std::string& cell) {
    static const std::regex code("`([^`]*)`");
    std::vector<std::string> result;
    for (std::sregex_iterator it(cell.begin(), cell.end(), code), end; it != end; ++it) {
        result.push_back((*it)[1]);
    }
    return result;
}

/// The rows of the table, each "| `key` | default | accepted | meaning |".
std::vector<Row> rows() {
    static const std::regex row("\\| `([^`]+)` \\| ([^|]+) \\| ([^|]+) \\| [^|]+ \\|");
    std::vector<Row> result;
    const auto text = page();
    for (std::sregex_iterator it(text.begin(), text.end(), row), end; it != end; ++it) {
        const auto standard = code_in((*it)[2]);
        result.push_back({(*it)[1], standard.empty() ? "" : standard.front(), code_in((*it)[3])});
    }
    return result;
}

/// A file that holds just this key.
std::string file_with(const std::string& key, const std::string& value) {
    const auto dot = key.find('.');
    if (dot == std::string::npos) return key + ": " + value + "\n";
    const auto group = key.substr(0, dot);
    const auto name = key.substr(dot + 1);
    if (group == "hosts[]") return "hosts:\n  - " + name + ": " + value + "\n";
    const bool gated = group == "testing" && name != "enabled";
    return group + ":\n" + (gated ? "  enabled: true\n" : "") + "  " + name + ": " + value + "\n";
}

TEST(ConfigurationReference, HasEveryKeyOnce) {
    std::vector<std::string> keys;
    for (const auto& row : rows()) keys.push_back(row.key);
    EXPECT_THAT(keys, testing::UnorderedElementsAreArray(config_keys()));
}

TEST(ConfigurationReference, TellsTheTrueDefaults) {
    for (const auto& row : rows()) {
        if (row.standard.empty()) continue;
        EXPECT_EQ(parse_config(file_with(row.key, row.standard), row.key), parse_config("", "")) << row.key;
    }
}

TEST(ConfigurationReference, NamesOnlyValuesThatAreAccepted) {
    for (const auto& row : rows()) {
        for (const auto& value : row.accepted) {
            if (value.find(' ') != std::string::npos) continue;  // a class of characters
            EXPECT_NO_THROW(parse_config(file_with(row.key, value), "x")) << row.key << " " << value;
        }
    }
}

TEST(ConfigurationReference, ItsExamplesAreAccepted) {
    const auto text = page();
    static const std::regex block("```yaml\n([^`]*)```");
    int examples = 0;
    for (std::sregex_iterator it(text.begin(), text.end(), block), end; it != end; ++it, ++examples) {
        EXPECT_NO_THROW(parse_config((*it)[1], "example"));
    }
    EXPECT_EQ(examples, 2);
}

}  // namespace
}  // namespace drover
