#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "cli/console.hpp"
#include "wire/wire.hpp"

namespace drover::cli {

/// Rows under a heading, columns as wide as they need; for people. An empty cell is shown as "-".
class Table {
  public:
    explicit Table(std::vector<std::string> heading) : rows_{std::move(heading)} {}
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    void print(Console& console) const;

  private:
    std::vector<std::vector<std::string>> rows_;
};

/// A field of an answer as a person reads it: texts without quotes, null and absence as "", lists with commas.
std::string field(const wire::Json& object, const std::string& name);

/// `text` with control characters replaced: what a guest or a program said must not steer the terminal.
std::string printable(std::string_view text);

/// "alice-1, alice-2, ... and 498 more".
std::string some_of(const std::vector<std::string>& names);

/// "1 guest", "3 guests".
std::string guests(std::size_t count);

/// Writes an answer for a program: one JSON document and a line end.
void print_json(Console& console, const wire::Json& json);

}  // namespace drover::cli
