#include "control/identity_json.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "control/fields.hpp"
#include "model/error.hpp"
#include "model/names.hpp"

namespace drover::control {
namespace {

using nlohmann::json;

/// Whether one of the model's checks lets `value` through.
template <typename Check> bool passes(Check check, std::string_view value) {
    try {
        check(value);
        return true;
    } catch (const Error&) {
        return false;
    }
}

bool is_name(const std::string& text) { return passes(check_guest_name, text); }

/// An ownerless guest (a pool's) has an empty owner.
bool is_owner(const std::string& text) { return text.empty() || passes(check_owner_name, text); }

bool is_domain(const std::string& text) {
    std::string_view rest = text;
    if (rest.size() > 190) return false;  // with the guest's name it stays within DNS's 253
    for (auto dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
        if (!passes(check_guest_name, rest.substr(0, dot))) return false;
        rest.remove_prefix(dot + 1);
    }
    return passes(check_guest_name, rest);
}

bool is_address(const std::string& text) { return passes(parse_address, text); }

bool is_interface_address(const std::string& text) { return parse_interface_address(text).has_value(); }

bool is_machine_id(const std::string& text) { return is_hex(text, 32); }

struct TextField {
    const char* name;
    std::string Identity::*value;
    bool (*valid)(const std::string&);
};
constexpr std::array<TextField, 8> text_fields{{
    {"name", &Identity::name, is_name},
    {"domain", &Identity::domain, is_domain},
    {"owner", &Identity::owner, is_owner},
    {"address", &Identity::address, is_interface_address},
    {"gateway", &Identity::gateway, is_address},
    {"dns", &Identity::dns, is_address},
    {"mac", &Identity::mac, [](const std::string& text) { return is_mac(text); }},
    {"machine_id", &Identity::machine_id, is_machine_id},
}};

/// The object, unless it is none or says one field twice (which the library would let pass).
std::optional<json> parse_object(std::string_view text) {
    std::set<std::string> seen;
    bool twice = false;
    const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
        if (event == json::parse_event_t::key && depth == 1) twice |= !seen.insert(parsed.get<std::string>()).second;
        return true;
    };
    auto object = json::parse(text, watch, false);
    if (twice || !object.is_object()) return std::nullopt;
    return object;
}

}  // namespace

std::string to_json(const Identity& identity, bool with_time) {
    json object = json::object();
    for (const auto& field : text_fields) {
        const auto& value = identity.*field.value;
        if (!is_clean_text(value))
            throw Error(ErrorKind::usage, std::string("the identity's ") + field.name + " has a control character");
        object[field.name] = value;
    }
    if (with_time) object["time"] = identity.time;
    return object.dump();
}

std::optional<Identity> identity_from_json(std::string_view text) {
    const auto object = parse_object(text);
    if (!object || object->size() != text_fields.size() + 1) return std::nullopt;
    Identity identity;
    for (const auto& field : text_fields) {
        const auto found = object->find(field.name);
        if (found == object->end() || !found->is_string()) return std::nullopt;
        auto value = found->get<std::string>();
        if (!field.valid(value)) return std::nullopt;
        identity.*field.value = std::move(value);
    }
    const auto time = object->find("time");
    if (time == object->end() || !time->is_number_unsigned() || time->get<std::uint64_t>() > latest_time)
        return std::nullopt;
    identity.time = time->get<std::int64_t>();
    return identity;
}

}  // namespace drover::control
