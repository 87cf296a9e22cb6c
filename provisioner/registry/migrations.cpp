#include "registry/migrations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "model/error.hpp"
#include "registry/sql.hpp"

namespace drover {
namespace {

struct Migration {
    std::string name;  ///< NNNN-name
    std::filesystem::path file;
};

/// In the order of their names.
std::vector<Migration> migrations_in(const std::string& folder) {
    static const std::regex form("[0-9]{4}-[a-z0-9-]+\\.sql");
    std::vector<Migration> result;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        if (!std::regex_match(entry.path().filename().string(), form)) continue;
        result.push_back({entry.path().stem().string(), entry.path()});
    }
    if (result.empty()) {
        throw Error(ErrorKind::unavailable, fmt::format("no migrations in '{}'", folder), "is Drover installed whole?");
    }
    std::sort(result.begin(), result.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return result;
}

std::string read_text(const std::filesystem::path& file) {
    std::ifstream stream(file);
    std::ostringstream text;
    text << stream.rdbuf();
    if (!stream) throw Error(ErrorKind::unavailable, fmt::format("cannot read {}", file.string()));
    return text.str();
}

std::vector<std::string> applied_to(Session& session) {
    return session.transact("commit.migration", [](Transaction& transaction) {
        write(transaction.sql,
              "CREATE TABLE IF NOT EXISTS migrations (\n"
              "    name    TEXT   NOT NULL PRIMARY KEY,\n"
              "    applied BIGINT NOT NULL\n"
              ")");
        return rows<std::string>(transaction.sql, "SELECT name FROM migrations ORDER BY name");
    });
}

bool holds(const std::vector<Migration>& migrations, const std::string& name) {
    return std::any_of(migrations.begin(), migrations.end(), [&](const auto& known) { return known.name == name; });
}

void check_not_newer(const std::vector<std::string>& applied, const std::vector<Migration>& known,
                     const std::string& file) {
    for (const std::string& name : applied) {
        if (holds(known, name)) continue;
        throw Error(ErrorKind::refused,
                    fmt::format("{} is newer than this program: it has the migration '{}'", file, name),
                    fmt::format("run the newer droverd, or put back the copy {}.before-{}", file, name));
    }
}

void keep_copy(const Session& session, const std::string& name) {
    const auto copy = fmt::format("{}.before-{}", session.file(), name);
    std::filesystem::remove(copy);  // of an attempt that did not finish: the same content
    session.copy_to(copy);
}

void apply(Session& session, const Migration& migration) {
    const auto statements = statements_of(read_text(migration.file));
    session.transact("commit.migration", [&](Transaction& transaction) {
        for (const std::string& statement : statements) write(transaction.sql, statement);
        write(transaction.sql, "INSERT INTO migrations (name, applied) VALUES (:name, :applied)", migration.name,
              transaction.now);
    });
}

bool is_blank_or_comment(std::string_view line) {
    const auto begin = line.find_first_not_of(" \t\r");
    return begin == std::string_view::npos || line.substr(begin).starts_with("--");
}

}  // namespace

std::vector<std::string> statements_of(std::string_view text) {
    std::vector<std::string> result;
    std::string statement;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        if (statement.empty() && is_blank_or_comment(line)) continue;
        statement += line;
        if (line.ends_with(';')) {
            result.push_back(std::move(statement));
            statement.clear();
        } else {
            statement += '\n';
        }
    }
    if (!statement.empty()) {
        throw Error(ErrorKind::failed, fmt::format("SQL statement without ';' at the end of a line: {}", statement));
    }
    return result;
}

void migrate(Session& session, const std::string& folder) {
    const auto known = migrations_in(folder);
    const auto applied = applied_to(session);
    check_not_newer(applied, known, session.file());
    for (const Migration& migration : known) {
        if (std::find(applied.begin(), applied.end(), migration.name) != applied.end()) continue;
        if (!applied.empty()) keep_copy(session, migration.name);
        try {
            apply(session, migration);
        } catch (const Error& error) {
            throw error.within("migration " + migration.name);
        }
    }
}

}  // namespace drover
