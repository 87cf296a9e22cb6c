#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "model/names.hpp"
#include "wire/fields.hpp"

namespace drover::wire {
namespace {

constexpr std::size_t max_target = 8192;

Error bad(const std::string& what, std::string_view value) {
    return {ErrorKind::usage, fmt::format("{}: {}", what, shown(std::string(value)))};
}

int hex_digit(char letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
    if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
    return -1;
}

std::string unescape(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            result.push_back(text[i]);
            continue;
        }
        const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0 || (high == 0 && low == 0)) throw bad("bad escape in the path", text);
        result.push_back(static_cast<char>(high * 16 + low));
        i += 2;
    }
    return result;
}

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto end = text.find(at);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::vector<std::string> parse_path(std::string_view path) {
    if (!path.starts_with('/')) throw bad("the path does not begin with '/'", path);
    path.remove_prefix(1);
    std::vector<std::string> result;
    if (path.empty()) return result;
    for (auto part : split(path, '/')) {
        if (part.empty()) throw bad("empty segment in the path", path);
        result.push_back(unescape(part));
    }
    return result;
}

Parameters parse_query(std::string_view query) {
    Parameters result;
    if (query.empty()) return result;
    for (auto part : split(query, '&')) {
        const auto equals = part.find('=');
        if (equals == std::string_view::npos) throw bad("parameter without a value", part);
        result.emplace_back(unescape(part.substr(0, equals)), unescape(part.substr(equals + 1)));
    }
    return result;
}

long long number(const std::string& name, const std::string& value, long long least, long long most) {
    long long result = 0;
    const auto* end = value.data() + value.size();
    const auto parsed = std::from_chars(value.data(), end, result);
    if (parsed.ec != std::errc() || parsed.ptr != end || result < least || result > most) {
        throw Error(ErrorKind::usage, fmt::format("parameter '{}' is {}, expected a whole number from {} to {}", name,
                                                  shown(value), least, most));
    }
    return result;
}

bool flag(const std::string& name, const std::string& value) {
    if (value == "true" || value == "false") return value == "true";
    throw Error(ErrorKind::usage, fmt::format("parameter '{}' is {}, expected true or false", name, shown(value)));
}

/// Refuses names that are not known, and doubled ones unless they may be repeated.
void check_names(const Parameters& parameters, const std::set<std::string>& known,
                 const std::set<std::string>& repeatable = {}) {
    std::set<std::string> seen;
    for (const auto& [name, value] : parameters) {
        if (!known.contains(name) && !repeatable.contains(name)) {
            throw Error(ErrorKind::usage,
                        fmt::format("unknown parameter {} with the value {}", shown(name), shown(value)));
        }
        if (!seen.insert(name).second && !repeatable.contains(name)) {
            throw Error(ErrorKind::usage, fmt::format("parameter '{}' is given twice", name));
        }
    }
}

void add_where(ListQuery& query, const std::string& condition) {
    const auto equals = condition.find('=');
    const auto field = condition.substr(0, equals);
    const auto& fields = listing_fields();
    if (equals == std::string::npos) throw bad("'where' is not key=value", condition);
    if (std::find(fields.begin(), fields.end(), field) == fields.end()) {
        throw Error(ErrorKind::usage, fmt::format("'where' names an unknown field {}", shown(field)),
                    fmt::format("the fields are: {}", fmt::join(fields, ", ")));
    }
    if (!query.where.emplace(field, condition.substr(equals + 1)).second) {
        throw Error(ErrorKind::usage, fmt::format("'where' names the field '{}' twice", field));
    }
}

}  // namespace

Target parse_target(std::string_view target) {
    if (target.size() > max_target) {
        throw Error(ErrorKind::usage,
                    fmt::format("request target of {} bytes, at most {} are allowed", target.size(), max_target));
    }
    const auto question = target.find('?');
    const auto query = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
    return {parse_path(target.substr(0, question)), parse_query(query)};
}

std::string escape(std::string_view text) {
    constexpr std::string_view safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string result;
    for (const char letter : text) {
        if (safe.find(letter) != std::string_view::npos) {
            result.push_back(letter);
        } else {
            result += fmt::format("%{:02X}", static_cast<unsigned char>(letter));
        }
    }
    return result;
}

std::string query_string(const Parameters& parameters) {
    std::string result;
    for (const auto& [name, value] : parameters) {
        result += fmt::format("{}{}={}", result.empty() ? '?' : '&', escape(name), escape(value));
    }
    return result;
}

Parameters encode(const ListQuery& query) {
    Parameters result;
    for (const auto& glob : query.selection.globs) result.emplace_back("glob", glob);
    if (query.selection.owner) result.emplace_back("owner", *query.selection.owner);
    if (query.gone) result.emplace_back("gone", "true");
    for (const auto& [key, value] : query.where) result.emplace_back("where", key + "=" + value);
    return result;
}

ListQuery decode_list_query(const Parameters& parameters) {
    check_names(parameters, {"owner", "gone"}, {"glob", "where"});
    ListQuery result;
    for (const auto& [name, value] : parameters) {
        if (name == "glob") check_glob(value), result.selection.globs.push_back(value);
        if (name == "owner") check_owner_name(value), result.selection.owner = value;
        if (name == "gone") result.gone = flag(name, value);
        if (name == "where") add_where(result, value);
    }
    if (result.selection.globs.size() > max_globs) {
        throw Error(ErrorKind::usage,
                    fmt::format("{} globs, at most {} are allowed", result.selection.globs.size(), max_globs));
    }
    return result;
}

std::vector<std::string> decode_copy_query(const Parameters& parameters) {
    check_names(parameters, {}, {"glob"});
    std::vector<std::string> globs;
    for (const auto& [name, value] : parameters) check_glob(value), globs.push_back(value);
    if (globs.size() > max_globs)
        throw Error(ErrorKind::usage, fmt::format("{} globs, at most {} are allowed", globs.size(), max_globs));
    return globs;
}

Parameters encode_service_query(const Selection& selection) {
    Parameters parameters;
    for (const auto& glob : selection.globs) parameters.emplace_back("glob", glob);
    if (selection.owner) parameters.emplace_back("owner", *selection.owner);
    return parameters;
}

Selection decode_service_query(const Parameters& parameters) {
    check_names(parameters, {"owner"}, {"glob"});
    Selection selection;
    for (const auto& [name, value] : parameters) {
        if (name == "owner") {
            check_owner_name(value);
            selection.owner = value;
            continue;
        }
        check_glob(value);
        selection.globs.push_back(value);
    }
    if (selection.globs.size() > max_globs)
        throw Error(ErrorKind::usage,
                    fmt::format("{} globs, at most {} are allowed", selection.globs.size(), max_globs));
    selection.all = selection.globs.empty() && !selection.owner;
    return selection;
}

EventQuery decode_event_query(const Parameters& parameters) {
    check_names(parameters, {"since", "limit", "follow"});
    EventQuery result;
    for (const auto& [name, value] : parameters) {
        if (name == "since") result.since = number(name, value, 0, 1LL << 62);
        if (name == "limit") result.limit = static_cast<int>(number(name, value, 1, max_limit));
        if (name == "follow") result.follow = flag(name, value);
    }
    return result;
}

LogQuery decode_log_query(const Parameters& parameters) {
    constexpr int most_boots = 99, most_lines = 1'000'000;
    check_names(parameters, {"boot", "lines", "follow"});
    LogQuery result;
    for (const auto& [name, value] : parameters) {
        if (name == "boot") result.boot = static_cast<int>(number(name, value, 0, most_boots));
        if (name == "lines") result.lines = static_cast<int>(number(name, value, 1, most_lines));
        if (name == "follow") result.follow = flag(name, value);
    }
    if (result.follow && result.boot > 0)
        throw Error(ErrorKind::usage, "nothing is added to the log of an earlier start", "leave out follow, or boot");
    return result;
}

OperationWait decode_operation_wait(const Parameters& parameters) {
    check_names(parameters, {"done", "wait", "outlook"});
    OperationWait result;
    for (const auto& [name, value] : parameters) {
        if (name == "done") result.done = number(name, value, 0, 1LL << 62);
        if (name == "outlook") result.outlook = flag(name, value);
        if (name == "wait") result.wait = std::chrono::seconds(number(name, value, 0, max_wait_seconds));
    }
    return result;
}

VersionPair decode_version_pair(const Parameters& parameters) {
    check_names(parameters, {"from", "to"});
    VersionPair result;
    for (const auto& [name, value] : parameters) (name == "from" ? result.from : result.to) = value;
    if (result.from.empty() || result.to.empty())
        throw Error(ErrorKind::usage, "a difference is between two versions", "give both, 'from' and 'to'");
    return result;
}

int decode_limit(const Parameters& parameters, int standard) {
    check_names(parameters, {"limit"});
    return parameters.empty() ? standard : static_cast<int>(number("limit", parameters[0].second, 1, max_limit));
}

void expect_none(const Parameters& parameters) { check_names(parameters, {}); }

}  // namespace drover::wire
