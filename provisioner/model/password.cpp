#include "model/password.hpp"

#include <algorithm>

namespace drover {
namespace {

constexpr std::string_view method = "$6$";
constexpr std::size_t longest_salt = 16;
constexpr std::size_t hash_size = 86;

bool is_of_alphabet(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '/';
    });
}

}  // namespace

bool is_password_hash(std::string_view hash) {
    if (!hash.starts_with(method)) return false;
    hash.remove_prefix(method.size());
    const auto salt = hash.substr(0, hash.find('$'));
    const auto rest = hash.substr(std::min(hash.size(), salt.size() + 1));
    return !salt.empty() && salt.size() <= longest_salt && is_of_alphabet(salt) && rest.size() == hash_size &&
           is_of_alphabet(rest);
}

}  // namespace drover
