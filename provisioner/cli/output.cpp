#include "cli/output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>

namespace drover::cli {
namespace {

/// Words that deserve a look, and the colour they get.
std::string painted(const std::string& cell, std::string_view word) {
    static const std::map<std::string, std::string, std::less<>> colours{
        {"ready", "32"},    {"done", "32"},    {"starting", "33"}, {"stopping", "33"},
        {"reserved", "33"}, {"running", "33"}, {"partial", "31"},  {"failed", "31"},
        {"refused", "31"},  {"ok", "32"},      {"warn", "33"},     {"error", "31"}};
    const auto colour = colours.find(word);
    return colour == colours.end() ? cell : fmt::format("\x1b[{}m{}\x1b[0m", colour->second, cell);
}

/// Letters, not bytes, so that columns stay in line.
std::size_t width(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string shown(const std::string& cell) { return cell.empty() ? "-" : printable(cell); }

}  // namespace

void Table::print(Console& console) const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(shown(row[i])));
    }
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            const auto cell = shown(row[i]);
            const bool last = i + 1 == row.size();
            console.out << (console.colour ? painted(cell, cell) : cell)
                        << (last ? "\n" : std::string(widths[i] - width(cell) + 2, ' '));
        }
    }
}

std::string field(const wire::Json& object, const std::string& name) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) return "";
    if (found->is_string()) return found->get<std::string>();
    if (!found->is_array()) return wire::dump(*found);
    std::string result;
    for (const auto& entry : *found) {
        result += (result.empty() ? "" : ", ") + (entry.is_string() ? entry.get<std::string>() : wire::dump(entry));
    }
    return result;
}

std::string printable(std::string_view text) {
    std::string result(text);
    std::replace_if(
        result.begin(), result.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }, ' ');
    return result;
}

std::string some_of(const std::vector<std::string>& names) {
    constexpr std::size_t most = 10;
    const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), most));
    const auto text = fmt::format("{}", fmt::join(names.begin(), end, ", "));
    return names.size() <= most ? text : fmt::format("{} and {} more", text, names.size() - most);
}

std::string guests(std::size_t count) { return fmt::format("{} guest{}", count, count == 1 ? "" : "s"); }

void print_json(Console& console, const wire::Json& json) { console.out << wire::dump_pretty(json) << '\n'; }

}  // namespace drover::cli
