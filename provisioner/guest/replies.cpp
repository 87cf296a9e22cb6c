#include "guest/replies.hpp"

#include <algorithm>

#include "control/codec.hpp"
#include "control/fields.hpp"

namespace drover::guest {

namespace {

constexpr std::size_t longest_text = 512;

}  // namespace

std::string ok(std::uint32_t n) { return control::encode(control::FromGuest(control::Ok{n})); }

std::string err(std::uint32_t n, std::string text) {
    text.resize(std::min(text.size(), longest_text));
    if (!control::is_clean_text(text))
        for (char& c : text)
            if (c < ' ' || c > '~') c = '?';
    return control::encode(control::FromGuest(control::Err{n, text.empty() ? "failed" : text}));
}

}  // namespace drover::guest
