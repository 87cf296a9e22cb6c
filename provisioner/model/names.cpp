#include "model/names.hpp"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "model/error.hpp"

namespace drover {
namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_label(char c) { return is_lower(c) || is_digit(c) || c == '-'; }

[[noreturn]] void refuse(std::string_view what, std::string_view value, std::string_view rule) {
    throw Error(ErrorKind::usage, fmt::format("'{}' is no {}", value, what), std::string(rule));
}

// ---- ssh public keys -----------------------------------------------------------------------------------------------

constexpr std::size_t longest_key = 2048;
constexpr std::array<std::string_view, 7> key_types{"ssh-ed25519",
                                                    "ssh-rsa",
                                                    "ecdsa-sha2-nistp256",
                                                    "ecdsa-sha2-nistp384",
                                                    "ecdsa-sha2-nistp521",
                                                    "sk-ssh-ed25519@openssh.com",
                                                    "sk-ecdsa-sha2-nistp256@openssh.com"};

int base64_value(char c) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto at = alphabet.find(c);
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::optional<std::string> decode_base64(std::string_view text) {
    if (text.empty() || text.size() % 4 != 0) return std::nullopt;
    for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
    std::string bytes;
    std::uint32_t bits = 0;
    int held = 0;
    for (const char c : text) {
        const int value = base64_value(c);
        if (value < 0) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        held += 6;
        if (held < 8) continue;
        held -= 8;
        bytes += static_cast<char>(bits >> held & 255);
    }
    return bytes;
}

/// A key's blob begins with its own type, as a length in network byte order and the text.
bool blob_is_of_type(std::string_view blob, std::string_view type) {
    const std::string head{0, 0, 0, static_cast<char>(type.size())};
    return blob.size() > head.size() + type.size() && blob.starts_with(head) &&
           blob.substr(head.size()).starts_with(type);
}

// ---- natural order -------------------------------------------------------------------------------------------------

/// Takes the run of digits at the front of `text`, without its leading zeros.
std::string_view take_number(std::string_view& text) {
    auto end = std::min(text.find_first_not_of("0123456789"), text.size());
    auto digits = text.substr(0, end);
    text.remove_prefix(end);
    digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
    return digits;
}

int compare_numbers(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
    return a.compare(b);
}

}  // namespace

void check_owner_name(std::string_view name) { check_plain_name("owner name", name); }

void check_plain_name(std::string_view what, std::string_view name) {
    if (name.empty() || name.size() > 31 || !is_lower(name.front()) || name.back() == '-' ||
        !std::all_of(name.begin(), name.end(), is_label))
        refuse(what, name, "a letter, then up to 30 of a-z 0-9 and -, not ending with -");
}

void check_guest_name(std::string_view name) {
    if (name.empty() || name.size() > 63 || name.front() == '-' || name.back() == '-' ||
        !std::all_of(name.begin(), name.end(), is_label))
        refuse("guest name", name, "1 to 63 of a-z 0-9 and -, with no - at either end");
}

void check_instance_name(std::string_view name) {
    if (name.empty() || name.size() > 8 || !is_lower(name.front()) ||
        !std::all_of(name.begin(), name.end(), is_label) || name.find('-') != std::string_view::npos)
        refuse("instance name", name, "a letter, then up to 7 of a-z 0-9");
}

void check_login(std::string_view name) {
    const auto inner = [](char c) { return is_label(c) || c == '_'; };
    if (name.empty() || name.size() > 32 || !(is_lower(name.front()) || name.front() == '_') ||
        !std::all_of(name.begin(), name.end(), inner))
        refuse("account name", name, "a letter or _, then up to 31 of a-z 0-9 _ and -");
}

std::string check_public_key(std::string_view line) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto begin = std::min(line.find_first_not_of(blanks), line.size());
    line = line.substr(begin, line.find_last_not_of(blanks) + 1 - begin);
    constexpr std::string_view rule = "one line as in a .pub file: TYPE BASE64 [COMMENT], at most 2048 characters";
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; };
    const auto shown = line.substr(0, 60);
    if (line.empty() || line.size() > longest_key || std::any_of(line.begin(), line.end(), control))
        refuse("ssh public key", shown.substr(0, shown.find_first_of("\r\n")), rule);

    const auto type = line.substr(0, line.find(' '));
    if (std::find(key_types.begin(), key_types.end(), type) == key_types.end())
        refuse("known type of ssh public key", type.substr(0, 60),
               fmt::format("one of: {}", fmt::join(key_types, ", ")));
    auto body = line.substr(type.size());
    body.remove_prefix(std::min(body.find_first_not_of(' '), body.size()));
    const auto blob = decode_base64(body.substr(0, body.find(' ')));
    if (!blob || !blob_is_of_type(*blob, type)) refuse("ssh public key", shown, rule);
    return std::string(line);
}

void check_glob(std::string_view glob) {
    constexpr std::string_view rule = "1 to 255 of a-z 0-9 - and the wildcards * ? [a-z] [!a-z]";
    if (glob.empty() || glob.size() > 255) refuse("name or pattern", glob.substr(0, 60), rule);
    bool inside = false;
    for (std::size_t i = 0; i < glob.size(); ++i) {
        const char c = glob[i];
        if (c == '[' && !inside) {
            inside = true;
            if (i + 1 < glob.size() && glob[i + 1] == '!') ++i;
            if (i + 1 < glob.size() && glob[i + 1] == ']') refuse("pattern: it has an empty []", glob, rule);
        } else if (c == ']' && inside) {
            inside = false;
        } else if (!is_label(c) && (inside || (c != '*' && c != '?'))) {
            refuse("name or pattern", glob, rule);
        }
    }
    if (inside) refuse("pattern: its [ has no ]", glob, rule);
}

std::string device_name(std::string_view instance, std::int64_t guest_id) {
    return fmt::format("{}-{}", instance, guest_id);
}

std::string device_prefix(std::string_view instance) { return fmt::format("{}-", instance); }

std::string guest_name(std::string_view owner, long long n) { return fmt::format("{}-{}", owner, n); }

bool glob_matches(std::string_view glob, std::string_view name) {
    // check_glob lets nothing through that fnmatch knows beyond our wildcards.
    return fnmatch(std::string(glob).c_str(), std::string(name).c_str(), FNM_NOESCAPE) == 0;
}

bool is_plain(std::string_view glob) { return glob.find_first_of("*?[]") == std::string_view::npos; }

bool natural_less(std::string_view a, std::string_view b) {
    auto x = a;
    auto y = b;
    while (!x.empty() && !y.empty()) {
        if (is_digit(x.front()) && is_digit(y.front())) {
            const int order = compare_numbers(take_number(x), take_number(y));
            if (order != 0) return order < 0;
        } else if (x.front() != y.front()) {
            return x.front() < y.front();
        } else {
            x.remove_prefix(1);
            y.remove_prefix(1);
        }
    }
    if (x.empty() != y.empty()) return x.empty();
    return a < b;  // they differ in leading zeros at most
}

}  // namespace drover
