#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>

#include "wire/fields.hpp"

namespace drover::wire {
namespace {

Json encode_fault(const std::optional<Fault>& fault) {
    if (!fault) return nullptr;
    return {{"kind", fault->kind}, {"message", fault->message}, {"since", to_rfc3339(fault->since)}};
}

Json encode_host_key(const Guest& guest) {
    if (guest.host_key.empty()) return nullptr;
    return {{"fingerprint", key_fingerprint(guest.host_key)},
            {"known_hosts", fmt::format("{},{} {}", guest.name, to_text(guest.address), guest.host_key)}};
}

std::string plain(const Json& value) {
    if (value.is_null()) return "";
    return value.is_string() ? value.get<std::string>() : dump(value);
}

bool has_value(const Json& field, const std::string& value) {
    if (field.is_array()) {
        return std::any_of(field.begin(), field.end(), [&](const Json& entry) { return plain(entry) == value; });
    }
    return plain(field.is_object() ? field.value("kind", Json()) : field) == value;
}

}  // namespace

Json guest_listing(const Guest& guest, const std::string& instance, const NetworkPlan& networks) {
    const auto address = to_text(guest.address);
    auto addresses = Json::array({address});
    if (const auto address6 = networks.address6(guest.network, guest.address)) addresses.push_back(to_text(*address6));
    return {{"id", guest.id},
            {"name", guest.name},
            {"owner", guest.owner ? Json(*guest.owner) : Json(nullptr)},
            {"kind", to_text(guest.kind)},
            {"image", guest.image},
            {"version", guest.have.version.empty() ? guest.want.version : guest.have.version},
            {"profile", guest.profile},
            {"phase", to_text(guest.phase)},
            {"desired", to_text(guest.desired)},
            {"address", address},
            {"addresses", addresses},
            {"mac", mac_of(guest.id)},
            {"domain", fmt::format("{}-{}", instance, guest.id)},
            {"host", guest.host},
            {"fault", encode_fault(guest.fault)},
            {"created", to_rfc3339(guest.created)},
            {"started_by", text_or_null(guest.started_by)},
            {"network", shown_network(guest.network)}};
}

const std::vector<std::string>& listing_fields() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> result;
        const Json listing = guest_listing(Guest{}, "", {});
        for (const auto& [name, value] : listing.items()) result.push_back(name);
        return result;
    }();
    return names;
}

Json guest_show(const Guest& guest, const std::string& instance, const NetworkPlan& networks) {
    Json result = guest_listing(guest, instance, networks);
    auto timings = Json::object();
    for_each_timing(guest.timings,
                    [&](const char* name, Duration time) { timings[name] = static_cast<double>(time.count()) / 1000; });
    result["ssh"] = "ssh root@" + to_text(guest.address);
    result["host_key"] = encode_host_key(guest);
    result["timings"] = timings;
    result["autostart"] = to_text(guest.autostart);
    result["protected"] = guest.is_protected;
    result["lease"] = guest.lease ? Json(to_rfc3339(*guest.lease)) : Json(nullptr);
    return result;
}

std::string key_fingerprint(std::string_view public_key) {
    const auto begin = std::min(public_key.find(' '), public_key.size() - 1) + 1;
    const auto text = public_key.substr(begin, public_key.find(' ', begin) - begin);
    std::vector<unsigned char> blob(text.size());
    std::size_t length = 0;
    if (text.empty() || sodium_base642bin(blob.data(), blob.size(), text.data(), text.size(), nullptr, &length, nullptr,
                                          sodium_base64_VARIANT_ORIGINAL) != 0) {
        throw Error(ErrorKind::failed, fmt::format("'{}' is no public key", public_key));
    }
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
    crypto_hash_sha256(digest.data(), blob.data(), length);
    std::array<char, sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES, sodium_base64_VARIANT_ORIGINAL_NO_PADDING)>
        encoded{};
    sodium_bin2base64(encoded.data(), encoded.size(), digest.data(), digest.size(),
                      sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    return std::string("SHA256:") + encoded.data();
}

bool listing_matches(const Json& listing, const std::map<std::string, std::string>& where) {
    return std::all_of(where.begin(), where.end(), [&](const auto& pair) {
        auto field = listing.find(pair.first);
        return field != listing.end() && has_value(*field, pair.second);
    });
}

Json encode(const GuestReservation& reservation, const std::string& outcome) {
    return {{"operation", operation_name(reservation.operation)},
            {"created", reservation.created},
            {"existing", reservation.existing},
            {"outcome", outcome}};
}

Json encode(const ServiceRow& row) {
    return {{"guest", row.guest},           {"service", row.service},
            {"priority", row.priority},     {"wanted", row.up ? "up" : "down"},
            {"state", to_text(row.status)}, {"since", row.since ? Json(to_rfc3339(*row.since)) : Json(nullptr)}};
}

Json encode(const Copy& copy) {
    const auto time = [](const std::optional<Time>& at) { return at ? Json(to_rfc3339(*at)) : Json(nullptr); };
    return {{"guest", copy.guest_name},
            {"kind", to_text(copy.kind)},
            {"name", copy.name},
            {"version", copy.version},
            {"asked", to_rfc3339(copy.asked)},
            {"made", time(copy.made)},
            {"expires", time(copy.expires)},
            {"bytes", copy.bytes},
            {"file", text_or_null(copy.file)}};
}

GuestReservation decode_reservation(const Json& answer) {
    constexpr std::size_t many = 1000000;
    return of_answer([&] {
        Fields fields(answer, "the reservation");
        return GuestReservation{parse_operation_name(fields.need_text("operation")), fields.need_texts("created", many),
                                fields.need_texts("existing", many)};
    });
}

}  // namespace drover::wire
