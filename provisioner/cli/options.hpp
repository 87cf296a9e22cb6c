#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/console.hpp"
#include "model/requests.hpp"

namespace drover::cli {

/// A verb of `parent`, with its help. What it does is set by on_chosen().
CLI::App* add_verb(CLI::App& parent, const std::string& name, const std::string& summary, const std::string& examples);

/// An option with a text that may not be empty: an empty one is most often a script's unset variable.
CLI::Option* add_text(CLI::App& verb, const std::string& name, std::string& value, const std::string& type,
                      const std::string& help);

/// An option that may be given several times, each time with one value.
CLI::Option* add_repeated(CLI::App& verb, const std::string& name, std::vector<std::string>& values,
                          const std::string& help);

/// Which guests a verb means: their names, all of an owner, or all.
struct Chosen {
    Selection selection;
    std::string owner;  ///< empty: not given

    [[nodiscard]] Selection get() const;
};
void add_selection(CLI::App& verb, Chosen& chosen);

/// The value of a flag as a whole decimal number. Error{usage} naming flag and value otherwise.
long long whole_number(const std::string& flag, const std::string& text, long long least, long long most);

/// Makes `action` what runs when the command line names this verb. `options` is what its options were read into.
template <typename Options>
void on_chosen(CLI::App* verb, Action& chosen, std::shared_ptr<Options> options,
               int (*action)(Context&, const Options&)) {
    verb->callback([&chosen, options, action] {
        chosen = [options, action](Context& context) { return action(context, *options); };
    });
}

}  // namespace drover::cli
