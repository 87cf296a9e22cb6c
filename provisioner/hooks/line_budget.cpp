#include "hooks/line_budget.hpp"

#include <fmt/format.h>

namespace drover {
namespace {

constexpr auto period = std::chrono::minutes(1);
constexpr std::size_t most_lines = 200;
constexpr std::size_t longest = 500;

}  // namespace

std::string printable_line(std::string line) {
    line.resize(std::min(line.size(), longest));
    for (char& c : line)
        if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
    return line;
}

std::string LineBudget::take(const std::string& line, Clock::time_point now) {
    std::string before;
    if (now - began_ >= period) {
        if (left_out_ > 0) before = fmt::format("({} lines were left out) ", left_out_);
        began_ = now;
        taken_ = left_out_ = 0;
    }
    if (++taken_ < most_lines) return before + printable_line(line);
    if (left_out_++ > 0) return "";
    return fmt::format("(more than {} lines in a minute: the rest is left out)", most_lines - 1);
}

}  // namespace drover
