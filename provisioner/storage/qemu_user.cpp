#include "storage/qemu_user.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "model/error.hpp"

namespace drover {
namespace {

template <typename Number> std::optional<Number> whole_number(std::string_view text) {
    Number number = 0;
    const auto* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || rest != end) return std::nullopt;
    return number;
}

}  // namespace

std::pair<uid_t, gid_t> parse_qemu_user(std::string_view user) {
    const auto middle = user.find(":+");
    const auto uid = user.starts_with('+') ? whole_number<uid_t>(user.substr(1, middle - 1)) : std::nullopt;
    const auto gid = middle == std::string_view::npos ? std::nullopt : whole_number<gid_t>(user.substr(middle + 2));
    if (!uid || !gid) throw Error(ErrorKind::usage, fmt::format("'{}' is no +uid:+gid", user));
    return {*uid, *gid};
}

}  // namespace drover
