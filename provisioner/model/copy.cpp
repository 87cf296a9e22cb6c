#include "model/copy.hpp"

#include "model/words.hpp"

namespace drover {
namespace {

constexpr Words<CopyKind, 4> copy_kinds{"kind of copy", {"snapshot", "backup", "export", "retired"}};

}  // namespace

std::string_view to_text(CopyKind kind) { return copy_kinds.text(kind); }
CopyKind parse_copy_kind(std::string_view text) { return copy_kinds.parse(text); }

}  // namespace drover
