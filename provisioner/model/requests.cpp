#include "model/requests.hpp"

#include <charconv>

#include "model/words.hpp"

namespace drover {
namespace {

constexpr Words<Verb, 12> verbs{"verb",
                                {"start", "stop", "restart", "rebuild", "retire", "upgrade", "rollback", "snapshot",
                                 "backup", "export", "restore", "recover"}};

}  // namespace

std::string Caller::who() const { return through.empty() ? name : fmt::format("{} (through {})", name, through); }

std::string_view to_text(Verb verb) { return verbs.text(verb); }
Verb parse_verb(std::string_view text) { return verbs.parse(text); }

std::string operation_name(OperationId id) { return fmt::format("o-{}", id); }

OperationId parse_operation_name(std::string_view text) {
    OperationId id = 0;
    const auto* end = text.data() + text.size();
    // Read back only what operation_name writes: one operation has one name.
    if (text.starts_with("o-") && std::from_chars(text.data() + 2, end, id).ptr == end && id > 0 &&
        operation_name(id) == text)
        return id;
    throw Error(ErrorKind::usage, fmt::format("'{}' is no operation", text), "operations are named o-1, o-2, ...");
}

}  // namespace drover
