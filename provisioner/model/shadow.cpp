#include "model/shadow.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "model/words.hpp"

namespace drover {
namespace {

constexpr std::string_view kinds = "-dflo";
constexpr Words<Hiding, 5> hidings{"way to hide", {"edited", "deleted", "opaque", "replaced", "copy"}};
constexpr Words<ShadowPolicy, 3> policies{"policy for shadows", {"warn", "hold", "reset-path"}};

bool has_content(const FileForm& form) {
    return form.kind == FileForm::Kind::file || form.kind == FileForm::Kind::link;
}

std::vector<std::string_view> parts_of(std::string_view text) {
    std::vector<std::string_view> parts;
    for (std::size_t colon = 0; colon != std::string_view::npos;) {
        colon = text.find(':');
        parts.push_back(text.substr(0, colon));
        text.remove_prefix(std::min(text.size(), colon == std::string_view::npos ? colon : colon + 1));
    }
    return parts;
}

/// Whatever is no number becomes one that is not written so.
template <typename Number> void read(std::string_view text, Number& number, int base = 10) {
    std::from_chars(text.data(), text.data() + text.size(), number, base);
}

}  // namespace

std::string to_text(const FileForm& form) {
    const auto kind = kinds.at(static_cast<std::size_t>(form.kind));
    if (!form.there()) return {kind};
    const auto text = fmt::format("{}:{:o}:{}:{}", kind, form.mode, form.uid, form.gid);
    return has_content(form) ? fmt::format("{}:{}:{}", text, form.size, form.digest) : text;
}

std::optional<FileForm> parse_file_form(std::string_view text) {
    const auto parts = parts_of(text);
    FileForm form;
    const auto kind = parts.front().size() == 1 ? kinds.find(parts.front()) : std::string_view::npos;
    if (kind == std::string_view::npos) return std::nullopt;
    form.kind = static_cast<FileForm::Kind>(kind);
    const std::size_t expected = !form.there() ? 1 : has_content(form) ? 6 : 4;
    if (parts.size() != expected) return std::nullopt;
    if (form.there()) {
        read(parts[1], form.mode, 8);
        read(parts[2], form.uid);
        read(parts[3], form.gid);
    }
    if (has_content(form)) {
        read(parts[4], form.size);
        form.digest = parts[5];
        if (form.digest.size() != form_digits || form.digest.find_first_not_of("0123456789abcdef") != std::string::npos)
            return std::nullopt;
    }
    return form.mode <= 07777 && to_text(form) == text ? std::optional(form) : std::nullopt;
}

bool is_plain_path(std::string_view path) {
    if (path.size() < 2 || path.front() != '/' || path.back() == '/') return false;
    while (!path.empty()) {
        path.remove_prefix(1);  // its '/'
        const auto part = path.substr(0, path.find('/'));
        if (part.empty() || part == "." || part == "..") return false;
        path.remove_prefix(part.size());
    }
    return true;
}

std::string_view to_text(Hiding how) { return hidings.text(how); }

std::optional<Hiding> hiding_named(std::string_view word) {
    const auto* const found = std::find(hidings.words.begin(), hidings.words.end(), word);
    if (found == hidings.words.end()) return std::nullopt;
    return static_cast<Hiding>(found - hidings.words.begin());
}

std::string_view to_text(ShadowPolicy policy) { return policies.text(policy); }
ShadowPolicy parse_shadow_policy(std::string_view text) { return policies.parse(text); }

}  // namespace drover
