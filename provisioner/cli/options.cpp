#include "cli/options.hpp"

#include <fmt/format.h>

#include <charconv>

#include "model/error.hpp"

namespace drover::cli {

CLI::App* add_verb(CLI::App& parent, const std::string& name, const std::string& summary, const std::string& examples) {
    auto* verb = parent.add_subcommand(name, summary);
    verb->footer("Examples:\n" + examples);
    verb->group("Verbs");
    verb->get_formatter()->label("SUBCOMMAND", "VERB");
    verb->fallthrough();  // --json and --socket may also stand behind the verb
    return verb;
}

CLI::Option* add_text(CLI::App& verb, const std::string& name, std::string& value, const std::string& type,
                      const std::string& help) {
    const CLI::Validator not_empty([](std::string& text) { return text.empty() ? "is empty" : ""; }, "");
    return verb.add_option(name, value, help)->type_name(type)->check(not_empty);
}

CLI::Option* add_repeated(CLI::App& verb, const std::string& name, std::vector<std::string>& values,
                          const std::string& help) {
    return verb.add_option(name, values, help)->allow_extra_args(false);
}

Selection Chosen::get() const {
    auto result = selection;
    if (!owner.empty()) result.owner = owner;
    return result;
}

void add_selection(CLI::App& verb, Chosen& chosen) {
    verb.add_option("GLOB", chosen.selection.globs, "Names, with wildcards * ? [ ]")->type_name("");
    add_text(verb, "--owner", chosen.owner, "NAME", "All guests of this owner");
    verb.add_flag("--all", chosen.selection.all, "All guests that you may see");
}

long long whole_number(const std::string& flag, const std::string& text, long long least, long long most) {
    long long result = 0;
    const auto* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, result);
    if (parsed.ec != std::errc() || parsed.ptr != end || result < least || result > most) {
        throw Error(ErrorKind::usage,
                    fmt::format("{} is '{}', expected a whole number from {} to {}", flag, text, least, most));
    }
    return result;
}

}  // namespace drover::cli
