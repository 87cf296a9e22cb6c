#include "storage/accounts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "model/error.hpp"

namespace drover {
namespace fs = std::filesystem;
namespace {

/// The number of each name.
using Accounts = std::map<std::string, std::string>;

/// Lines of "name:x:number:...". What is none is nobody's account.
Accounts parse_accounts(const std::string& text) {
    Accounts accounts;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string name;
        std::string skipped;
        std::string number;
        std::getline(std::getline(std::getline(fields, name, ':'), skipped, ':'), number, ':');
        if (!name.empty() && !number.empty()) accounts.emplace(name, number);
    }
    return accounts;
}

Accounts accounts_in(const fs::path& root, const std::string& file, const BuildWork& work) {
    constexpr int no_such_file = 2;  // of unsquashfs
    const auto command = work.command({"unsquashfs", "-cat", root, file});
    const auto outcome = run(command);
    if (outcome.status == no_such_file) return {};
    return parse_accounts(outcome.ok() ? outcome.output : run_or_throw(command));
}

/// A name of this number; empty: none.
std::string name_of(const Accounts& accounts, const std::string& number) {
    const auto found =
        std::find_if(accounts.begin(), accounts.end(), [&](const auto& account) { return account.second == number; });
    return found == accounts.end() ? "" : found->first;
}

/// What is wrong with the accounts of a root after those of an earlier one; empty: nothing. `kind`: "user" or "group".
std::string clash(const std::string& kind, const Accounts& before, const Accounts& after) {
    for (const auto& [name, number] : after) {
        const auto was = before.find(name);
        if (was != before.end() && was->second != number)
            return fmt::format("the {} '{}' has the number {}, and had {}", kind, name, number, was->second);
        const auto owner = name_of(before, number);
        const auto still = after.find(owner);
        const bool shared = still != after.end() && still->second == number;
        if (was == before.end() && !owner.empty() && !shared)
            return fmt::format("the new {} '{}' has the number {}, which was that of '{}'", kind, name, number, owner);
    }
    return "";
}

}  // namespace

void check_accounts(const EarlierRoot& earlier, const fs::path& root, const std::string& image, const BuildWork& work) {
    for (const auto& [kind, file] : {std::pair("user", "etc/passwd"), std::pair("group", "etc/group")}) {
        const auto found = clash(kind, accounts_in(earlier.file, file, work), accounts_in(root, file, work));
        if (found.empty()) continue;
        throw Error(
            ErrorKind::refused, fmt::format("{} in {}: guests of that have files of it", found, earlier.digest),
            fmt::format("have the recipe make the account with the old number first (useradd -u, groupadd -g); if the "
                        "change is meant, build it as another image than '{}'",
                        image));
    }
}

}  // namespace drover
