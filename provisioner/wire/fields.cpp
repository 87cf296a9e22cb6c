#include "wire/fields.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>

namespace drover::wire {

Fields::Fields(const Json& object, std::string what) : object_(object), what_(std::move(what)) {
    if (!object.is_object())
        throw Error(ErrorKind::usage, fmt::format("{} is {}, expected an object", what_, shown(object)));
}

const Json* Fields::any(const std::string& name) {
    asked_.insert(name);
    auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
}

std::optional<std::string> Fields::text(const std::string& name, std::size_t max_length) {
    const Json* value = any(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) throw wrong(name, *value, "a text");
    return checked_text(name, *value, max_length);
}

/// No NUL: what comes after it would be lost in every message and call of the system.
std::string Fields::checked_text(const std::string& name, const Json& value, std::size_t max_length) const {
    auto result = value.get<std::string>();
    if (result.size() > max_length) throw wrong(name, value, fmt::format("at most {} bytes", max_length));
    if (result.find('\0') != std::string::npos) throw wrong(name, value, "no NUL in it");
    return result;
}

std::optional<long long> Fields::number(const std::string& name, long long least, long long most) {
    const Json* value = any(name);
    if (value == nullptr) return std::nullopt;
    const auto expected = fmt::format("a whole number from {} to {}", least, most);
    if (!value->is_number_integer()) throw wrong(name, *value, expected);
    const bool beyond = value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(most);
    const auto result = value->get<long long>();
    if (beyond || result < least || result > most) throw wrong(name, *value, expected);
    return result;
}

std::optional<bool> Fields::flag(const std::string& name) {
    const Json* value = any(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_boolean()) throw wrong(name, *value, "true or false");
    return value->get<bool>();
}

std::optional<std::vector<std::string>> Fields::texts(const std::string& name, std::size_t max_entries,
                                                      std::size_t max_length) {
    const Json* value = any(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_array()) throw wrong(name, *value, "a list of texts");
    if (value->size() > max_entries) {
        throw Error(ErrorKind::usage, fmt::format("{}: '{}' has {} entries, at most {} are allowed", what_, name,
                                                  value->size(), max_entries));
    }
    std::vector<std::string> result;
    for (const auto& entry : *value) {
        if (!entry.is_string()) throw wrong(name, entry, "a text in each entry");
        result.push_back(checked_text(name, entry, max_length));
    }
    return result;
}

std::string Fields::need_text(const std::string& name, std::size_t max_length) {
    auto value = text(name, max_length);
    if (!value) throw missing(name);
    return *value;
}

std::vector<std::string> Fields::need_texts(const std::string& name, std::size_t max_entries) {
    auto value = texts(name, max_entries);
    if (!value) throw missing(name);
    return *value;
}

long long Fields::need_number(const std::string& name, long long least, long long most) {
    auto value = number(name, least, most);
    if (!value) throw missing(name);
    return *value;
}

void Fields::expect_no_others() const {
    for (const auto& [name, value] : object_.items()) {
        if (asked_.contains(name)) continue;
        throw Error(ErrorKind::usage,
                    fmt::format("{}: unknown field {} with the value {}", what_, shown(name), shown(value)),
                    "the fields are: " + fmt::format("{}", fmt::join(asked_, ", ")));
    }
}

Error Fields::wrong(const std::string& name, const Json& value, const std::string& expected) const {
    return {ErrorKind::usage, fmt::format("{}: '{}' is {}, expected {}", what_, name, shown(value), expected)};
}

Error Fields::missing(const std::string& name) const {
    return {ErrorKind::usage, fmt::format("{}: the field '{}' is missing", what_, name)};
}

std::string shown(const Json& value) {
    constexpr std::size_t longest = 80;
    auto text = dump(value);
    if (text.size() <= longest) return text;
    std::size_t cut = longest;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U) --cut;  // not inside a UTF-8 letter
    return text.substr(0, cut) + "...";
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Time parse_rfc3339(const std::string& text) {
    int year = 0;
    unsigned month = 0, day = 0;
    int hour = 0, minute = 0, second = 0, end = 0;
    // NOLINTNEXTLINE(cert-err34-c): no number is wider than its type, and `found` and `end` tell the rest
    const int found =
        std::sscanf(text.c_str(), "%4d-%2u-%2uT%2d:%2d:%2dZ%n", &year, &month, &day, &hour, &minute, &second, &end);
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
    if (found != 6 || static_cast<std::size_t>(end) != text.size() || !date.ok()) {
        throw Error(ErrorKind::usage, fmt::format("'{}' is no time like 2026-11-21T08:30:00Z", text));
    }
    return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
           std::chrono::seconds(second);
}

}  // namespace drover::wire
