#include "hypervisor/ownership.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <charconv>

#include "hypervisor/domains.hpp"

namespace drover {

std::string derived_uuid(std::string_view registry, std::string_view what) {
    const auto text = fmt::format("{}/{}", registry, what);
    std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
    crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
    hash[6] = static_cast<unsigned char>((hash[6] & 0x0fU) | 0x80U);  // version 8: made by a rule of one's own
    hash[8] = static_cast<unsigned char>((hash[8] & 0x3fU) | 0x80U);  // the RFC's variant
    std::string uuid;
    for (std::size_t i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) uuid += '-';
        uuid += fmt::format("{:02x}", hash[i]);
    }
    return uuid;
}

std::string Ownership::domain_name(GuestId id) const {
    if (id == template_id) return instance + "-template";
    if (id == trial_id) return instance + "-trial";
    return fmt::format("{}-{}", instance, id);
}

std::string Ownership::domain_uuid(GuestId id) const { return derived_uuid(registry, fmt::format("guest/{}", id)); }

std::optional<GuestId> Ownership::guest_of(std::string_view name, std::string_view uuid) const {
    if (!name.starts_with(instance) || name.substr(instance.size(), 1) != "-") return std::nullopt;
    const auto id = parse_number(name.substr(instance.size() + 1));
    return id && domain_uuid(*id) == uuid ? id : std::nullopt;
}

std::optional<std::int64_t> parse_number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || fmt::to_string(value) != text || value < 0)
        return std::nullopt;
    return value;
}

}  // namespace drover
