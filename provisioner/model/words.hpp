#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "model/error.hpp"

namespace drover {

/// The words of an enum whose values count up from 0, in their order: written and read from one list.
template <typename Enum, std::size_t N> struct Words {
    std::string_view what;  ///< what the enum is, for messages: "phase"
    std::array<std::string_view, N> words;

    [[nodiscard]] constexpr std::string_view text(Enum value) const {
        return words.at(static_cast<std::size_t>(value));
    }

    /// Error{usage} naming the unknown word and those that there are.
    [[nodiscard]] Enum parse(std::string_view word) const {
        const auto found = std::find(words.begin(), words.end(), word);
        if (found == words.end())
            throw Error(ErrorKind::usage, fmt::format("unknown {} '{}'", what, word),
                        fmt::format("one of: {}", fmt::join(words, ", ")));
        return static_cast<Enum>(found - words.begin());
    }
};

}  // namespace drover
