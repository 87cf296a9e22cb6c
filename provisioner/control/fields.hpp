#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/address.hpp"

/// What a field of the control channel's language may hold, and the encodings it uses. Pure; any thread.
namespace drover::control {

/// Whether `text` is valid UTF-8 without control characters (neither ASCII's nor U+0080 to U+009F), so that it can be
/// a part of a line and be printed on a terminal.
bool is_clean_text(std::string_view text);

/// Whether `text` is exactly `digits` hex digits, lower case.
bool is_hex(std::string_view text, std::size_t digits);

/// "52:54:00:00:00:2a", lower case.
bool is_mac(std::string_view text);

inline constexpr std::int64_t latest_time = 253'402'300'799'999;  ///< ms since 1970: the end of the year 9999

/// Base64 with padding, the usual alphabet.
std::string to_base64(std::string_view bytes);
/// The bytes, when `text` is the one way to write exactly `size` of them.
std::optional<std::string> from_base64(std::string_view text, std::size_t size);

/// SHA-256 as 64 hex digits.
std::string sha256_hex(std::string_view bytes);

/// An address and the prefix length of its subnet.
struct InterfaceAddress {
    Address address;
    Subnet subnet;
};
/// An IPv6 address and the prefix length of its subnet.
struct InterfaceAddress6 {
    Address6 address;
    int prefix = 64;
};
/// "fd12::9/64" in its one short form, prefix length 16 to 120; nothing for anything else.
std::optional<InterfaceAddress6> parse_interface_address6(std::string_view text);
/// An IPv6 address in its one short form.
bool is_address6(std::string_view text);

/// "10.77.0.9/20", prefix length 8 to 29; nothing for anything else.
std::optional<InterfaceAddress> parse_interface_address(std::string_view text);

}  // namespace drover::control
