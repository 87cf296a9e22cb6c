#include "control/fields.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "model/error.hpp"

namespace drover::control {
namespace {

struct Utf8Form {
    unsigned char mask, lead;
    std::size_t length;
    std::uint32_t least;  ///< a smaller value has a shorter form, which is the only right one
};
constexpr std::array<Utf8Form, 4> utf8_forms{{
    {0x80, 0x00, 1, 0},
    {0xE0, 0xC0, 2, 0x80},
    {0xF0, 0xE0, 3, 0x800},
    {0xF8, 0xF0, 4, 0x10000},
}};

bool is_allowed(std::uint32_t character) {
    const bool control = character < 0x20 || (character >= 0x7F && character < 0xA0);
    const bool surrogate = character >= 0xD800 && character < 0xE000;
    return !control && !surrogate && character <= 0x10FFFF;
}

/// Takes one allowed character off the front.
bool take_character(std::string_view& text) {
    const auto first = static_cast<unsigned char>(text.front());
    const auto* form = std::find_if(utf8_forms.begin(), utf8_forms.end(),
                                    [&](const Utf8Form& f) { return (first & f.mask) == f.lead; });
    if (form == utf8_forms.end() || text.size() < form->length) return false;
    std::uint32_t character = first & static_cast<unsigned char>(~form->mask);
    for (const char c : text.substr(1, form->length - 1)) {
        const auto next = static_cast<unsigned char>(c);
        if ((next & 0xC0) != 0x80) return false;
        character = character << 6 | (next & 0x3F);
    }
    text.remove_prefix(form->length);
    return character >= form->least && is_allowed(character);
}

}  // namespace

bool is_clean_text(std::string_view text) {
    while (!text.empty())
        if (!take_character(text)) return false;
    return true;
}

bool is_hex(std::string_view text, std::size_t digits) {
    return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_mac(std::string_view text) {
    if (text.size() != 17) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (i % 3 == 2 ? text[i] != ':' : !is_hex(text.substr(i, 1), 1)) return false;
    return true;
}

std::string to_base64(std::string_view bytes) {
    constexpr int variant = sodium_base64_VARIANT_ORIGINAL;
    std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
    sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                      variant);
    text.pop_back();  // the terminating zero that libsodium counts and writes
    return text;
}

std::optional<std::string> from_base64(std::string_view text, std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t length = 0;
    const int status = sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                                         text.size(), nullptr, &length, nullptr, sodium_base64_VARIANT_ORIGINAL);
    if (status != 0 || length != size || to_base64(bytes) != text) return std::nullopt;
    return bytes;
}

std::string sha256_hex(std::string_view bytes) {
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
    crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    std::string text(digest.size() * 2 + 1, '\0');
    sodium_bin2hex(text.data(), text.size(), digest.data(), digest.size());
    text.pop_back();
    return text;
}

bool is_address6(std::string_view text) try { return to_text(parse_address6(text)) == text; } catch (const Error&) {
    return false;
}

std::optional<InterfaceAddress6> parse_interface_address6(std::string_view text) try {
    const auto slash = std::min(text.find('/'), text.size());
    const auto address = parse_address6(text.substr(0, slash));
    const auto prefix = parse_subnet6("::" + std::string(text.substr(slash))).prefix;
    if (to_text(address) + "/" + std::to_string(prefix) != text) return std::nullopt;
    return InterfaceAddress6{address, prefix};
} catch (const Error&) {
    return std::nullopt;
}

std::optional<InterfaceAddress> parse_interface_address(std::string_view text) try {
    const auto slash = std::min(text.find('/'), text.size());
    const auto address = parse_address(text.substr(0, slash));
    const auto prefix = parse_subnet("0.0.0.0" + std::string(text.substr(slash))).prefix;
    const Subnet mask{Address{0}, prefix};
    const Subnet subnet{Address{address.value & mask.netmask().value}, prefix};
    if (to_text(address) + "/" + std::to_string(prefix) != text) return std::nullopt;
    return InterfaceAddress{address, subnet};
} catch (const Error&) {
    return std::nullopt;
}

}  // namespace drover::control
