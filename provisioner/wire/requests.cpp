#include <fmt/format.h>

#include <algorithm>

#include "model/names.hpp"
#include "model/password.hpp"
#include "wire/fields.hpp"

namespace drover::wire {
namespace {

bool is_token_letter(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
           letter == '.' || letter == '_' || letter == '-';
}

std::optional<std::string> plain_name(Fields& fields, const std::string& field) {
    auto name = fields.text(field);
    if (name) check_plain_name(field, *name);
    return name;
}

std::optional<std::string> owner_name(Fields& fields) {
    auto name = fields.text("owner");
    if (name) check_owner_name(*name);
    return name;
}

/// null takes the login away.
std::optional<std::string> login_or_none(Fields& fields) {
    const Json* value = fields.any("login");
    if (value != nullptr && value->is_null()) return "";
    auto login = fields.text("login");
    if (login) check_login(*login);
    return login;
}

Selection decode_selection(Fields& fields) {
    Selection result;
    const auto globs = fields.texts("globs", max_globs);
    result.owner = owner_name(fields);
    result.all = fields.flag("all").value_or(false);
    if (globs) result.globs = *globs;
    for (const auto& glob : result.globs) check_glob(glob);
    if (int(!result.globs.empty()) + int(result.owner.has_value()) + int(result.all) != 1) {
        throw Error(ErrorKind::usage, "the change must name exactly one of globs, owner and all",
                    "give names or globs, or --owner, or --all");
    }
    return result;
}

}  // namespace

Json encode(const Selection& selection) {
    Json body = Json::object();
    if (!selection.globs.empty()) body["globs"] = selection.globs;
    if (selection.owner) body["owner"] = *selection.owner;
    if (selection.all) body["all"] = true;
    return body;
}

Selection decode_key_change(const Json& body) {
    Fields fields(body, "the request");
    auto result = decode_selection(fields);
    fields.expect_no_others();
    return result;
}

Json encode(const ServiceChange& change) {
    Json body{{"verb", to_text(change.verb)}, {"service", change.service}};
    body.update(encode(change.selection));
    return body;
}

ServiceChange decode_service_change(const Json& body) {
    Fields fields(body, "the change");
    ServiceChange result;
    result.verb = parse_service_verb(fields.need_text("verb"));
    result.service = fields.need_text("service");
    check_plain_name("service", result.service);
    result.selection = decode_selection(fields);
    fields.expect_no_others();
    return result;
}

Json encode(const PasswordChange& change) {
    return {{"guest", change.guest}, {"user", change.user}, {"hash", change.hash}};
}

PasswordChange decode_password_change(const Json& body) {
    Fields fields(body, "the password");
    PasswordChange result{fields.need_text("guest"), fields.need_text("user"), fields.need_text("hash")};
    fields.expect_no_others();
    check_guest_name(result.guest);
    check_login(result.user);
    if (!is_password_hash(result.hash))  // not shown: it is a secret, or nearly
        throw Error(ErrorKind::usage, "the password's hash is no sha512-crypt", "as crypt(3) writes it: $6$SALT$HASH");
    return result;
}

void check_idempotency_key(std::string_view key) {
    const bool good =
        !key.empty() && key.size() <= max_idempotency_key && std::all_of(key.begin(), key.end(), is_token_letter);
    if (good) return;
    throw Error(ErrorKind::usage, fmt::format("idempotency key {} is not 1-{} of letters, digits and . _ -",
                                              shown(std::string(key)), max_idempotency_key));
}

Json encode(const GuestRequest& request) {
    Json body{{"count", request.count}};
    if (request.owner) body["owner"] = *request.owner;
    if (request.image) body["image"] = *request.image;
    if (request.profile) body["profile"] = *request.profile;
    if (request.kind) body["kind"] = to_text(*request.kind);
    if (request.network) body["network"] = shown_network(*request.network);
    if (request.additional) body["additional"] = true;
    return body;
}

GuestRequest decode_guest_request(const Json& body, const std::string& idempotency_key) {
    Fields fields(body, "the request");
    GuestRequest result;
    result.owner = owner_name(fields);
    result.count = fields.need_number("count", 1, max_count);
    result.image = plain_name(fields, "image");
    result.profile = plain_name(fields, "profile");
    if (auto kind = fields.text("kind")) result.kind = parse_kind(*kind);
    if (const auto network = fields.text("network")) {
        result.network = meant_network(*network);
        if (!result.network->empty()) check_network_name(*result.network);
    }
    result.additional = fields.flag("additional").value_or(false);
    fields.expect_no_others();
    if (!idempotency_key.empty()) check_idempotency_key(idempotency_key);
    result.idempotency_key = idempotency_key;
    return result;
}

namespace {

constexpr std::size_t longest_path = 200;
constexpr std::size_t max_kept = 16;

/// An absolute path that may stand in a command line as it is and leads nowhere else.
void check_path(const std::string& what, const std::string& path) {
    const auto has = [&](std::string_view part) { return (path + "/").find(part) != std::string::npos; };
    const bool plain = std::all_of(path.begin(), path.end(), [](char c) { return is_token_letter(c) || c == '/'; });
    if (path.size() > 1 && path.front() == '/' && path.size() <= longest_path && plain && !has("//") && !has("/../") &&
        !has("/./"))
        return;
    throw Error(ErrorKind::usage, fmt::format("{} {} is no absolute path of letters, digits and . _ - /, at most {} "
                                              "bytes long",
                                              what, shown(path), longest_path));
}

/// What the verbs that copy overlays may say.
void read_copying(Fields& fields, Change& change) {
    const Verb verb = change.verb;
    if (verb == Verb::snapshot || verb == Verb::backup || verb == Verb::restore)
        change.copy = plain_name(fields, "copy").value_or("");
    if (verb == Verb::upgrade || verb == Verb::rollback)
        change.with_snapshot = fields.flag("with_snapshot").value_or(false);
    if (verb == Verb::retire) change.purge = fields.flag("purge").value_or(false);
    if (verb == Verb::rebuild) change.keep = fields.texts("keep", max_kept).value_or(std::vector<std::string>{});
    for (const auto& path : change.keep) check_path("kept path", path);
    if (verb != Verb::exporting) return;
    change.file = fields.need_text("file");
    check_path("file", change.file);
    if (change.selection.globs.size() != 1 || change.selection.globs.front().find_first_of("*?[") != std::string::npos)
        throw Error(ErrorKind::usage, "one guest is exported into one file", "name one guest");
}

}  // namespace

Json encode(const ImageAddition& addition) {
    return {{"file", addition.file}, {"cloud_init", true}, {"memory", addition.memory}};
}

ImageAddition decode_image_addition(const Json& body) {
    constexpr long long least_memory = 64LL << 20, most_memory = 1LL << 40;
    Fields fields(body, "the image");
    ImageAddition result{.file = fields.need_text("file")};
    result.memory = fields.number("memory", least_memory, most_memory).value_or(result.memory);
    if (!fields.flag("cloud_init").value_or(false))
        throw Error(ErrorKind::usage, "only images with cloud-init can be added",
                    "cloud_init: true, --cloud-init; others are built by a recipe");
    fields.expect_no_others();
    check_path("file", result.file);
    return result;
}

/// What an upgrade alone may say.
void read_upgrade(Fields& fields, Change& change) {
    change.to = fields.text("to");
    change.canaries = fields.texts("canaries", max_globs).value_or(std::vector<std::string>{});
    if (const auto settle = fields.text("settle")) change.settle = parse_duration(*settle);
    if (const auto policy = fields.text("shadows")) change.shadows = parse_shadow_policy(*policy);
    if (change.settle && change.canaries.empty())
        throw Error(ErrorKind::usage, "'settle' without canaries", "name those that go first");
}

Json encode(const GuestImport& wanted) { return {{"file", wanted.file}, {"owner", wanted.owner}}; }

GuestImport decode_import(const Json& body) {
    Fields fields(body, "the import");
    GuestImport result{fields.need_text("file"), fields.need_text("owner")};
    fields.expect_no_others();
    check_path("file", result.file);
    check_owner_name(result.owner);
    return result;
}

Json encode(const Change& change) {
    Json body{{"verb", to_text(change.verb)}};
    body.update(encode(change.selection));
    if (change.wave) body["wave"] = to_text(*change.wave);
    if (change.plan) body["plan"] = true;
    if (change.to) body["to"] = *change.to;
    if (!change.canaries.empty()) body["canaries"] = change.canaries;
    if (change.settle) body["settle"] = to_text(*change.settle);
    if (change.with_snapshot) body["with_snapshot"] = true;
    if (!change.copy.empty()) body["copy"] = change.copy;
    if (!change.file.empty()) body["file"] = change.file;
    if (!change.keep.empty()) body["keep"] = change.keep;
    if (change.purge) body["purge"] = true;
    if (change.shadows) body["shadows"] = to_text(*change.shadows);
    return body;
}

Change decode_change(const Json& body) {
    Fields fields(body, "the change");
    Change result;
    result.verb = parse_verb(fields.need_text("verb"));
    result.selection = decode_selection(fields);
    if (const auto wave = fields.text("wave")) result.wave = parse_wave_policy(*wave);
    result.plan = fields.flag("plan").value_or(false);
    if (result.verb == Verb::upgrade) read_upgrade(fields, result);
    read_copying(fields, result);
    fields.expect_no_others();
    return result;
}

Json encode(const ShadowQuery& query) {
    Json body = encode(query.selection);
    if (query.to) body["to"] = *query.to;
    return body;
}

ShadowQuery decode_shadow_query(const Json& body) {
    Fields fields(body, "the question");
    ShadowQuery result{decode_selection(fields), fields.text("to")};
    fields.expect_no_others();
    return result;
}

Json encode(const OwnerChange& change) {
    Json body = Json::object();
    if (change.quota) body["quota"] = *change.quota;
    if (change.keys) body["keys"] = *change.keys;
    if (change.login) body["login"] = text_or_null(*change.login);
    return body;
}

OwnerChange decode_owner_change(const std::string& name, const Json& body) {
    constexpr std::size_t longest_key = 4096;
    check_owner_name(name);
    Fields fields(body, "the owner");
    OwnerChange result{name, fields.number("quota", 0, max_quota), fields.texts("keys", max_keys, longest_key),
                       login_or_none(fields)};
    fields.expect_no_others();
    if (!result.keys) return result;
    for (auto& key : *result.keys) key = check_public_key(key);
    return result;
}

std::optional<std::string> decode_promotion(const Json& body) {
    Fields fields(body, "the promotion");
    auto version = fields.text("version");
    fields.expect_no_others();
    return version;
}

bool decode_image_build(const Json& body) {
    Fields fields(body, "the build");
    const bool with_template = fields.flag("template").value_or(false);
    fields.expect_no_others();
    return with_template;
}

bool decode_console(const Json& body) {
    Fields fields(body, "the request");
    const bool force = fields.flag("force").value_or(false);
    fields.expect_no_others();
    return force;
}

bool decode_fsck(const Json& body) {
    Fields fields(body, "the request");
    const bool repair = fields.flag("repair").value_or(false);
    fields.expect_no_others();
    return repair;
}

Json encode(const Setting& setting) {
    Json body = encode(setting.selection);
    if (setting.autostart) body["autostart"] = to_text(*setting.autostart);
    if (setting.is_protected) body["protected"] = *setting.is_protected;
    if (setting.owner) body["give_to"] = *setting.owner;
    if (setting.lease) body["lease"] = *setting.lease ? Json(to_rfc3339(**setting.lease)) : Json(nullptr);
    return body;
}

Setting decode_setting(const Json& body) {
    Fields fields(body, "the setting");
    Setting result;
    if (const auto word = fields.text("autostart")) result.autostart = parse_autostart(*word);
    result.is_protected = fields.flag("protected");
    result.owner = fields.text("give_to");
    if (result.owner) check_owner_name(*result.owner);
    if (const Json* lease = fields.any("lease"))
        result.lease = lease->is_null() ? std::optional<Time>{} : parse_rfc3339(fields.need_text("lease"));
    if (result.autostart.has_value() + result.is_protected.has_value() + result.owner.has_value() +
            result.lease.has_value() !=
        1)
        throw Error(ErrorKind::usage, "the setting takes exactly one of autostart, protected, give_to, lease");
    result.selection = decode_selection(fields);
    fields.expect_no_others();
    return result;
}

namespace {

constexpr std::size_t max_entries = 64;

PoolChange read_pool_name(Fields& fields) {
    PoolChange result{.image = fields.need_text("image")};
    check_plain_name("image", result.image);
    result.profile = plain_name(fields, "profile");
    if (auto kind = fields.text("kind")) result.kind = parse_kind(*kind);
    return result;
}

}  // namespace

Json encode(const PoolChange& change) {
    Json body{{"image", change.image}};
    if (change.profile) body["profile"] = *change.profile;
    if (change.kind) body["kind"] = to_text(*change.kind);
    if (change.stopped) body["stopped"] = *change.stopped;
    if (change.parked) body["parked"] = *change.parked;
    if (change.schedule) {
        body["schedule"] = Json::array();
        for (const ScheduleEntry& entry : *change.schedule) body["schedule"].push_back(to_text(entry));
    }
    if (change.demand) body["demand"] = *change.demand;
    return body;
}

PoolChange decode_pool_change(const Json& body) {
    Fields fields(body, "the pool");
    PoolChange result = read_pool_name(fields);
    result.stopped = fields.number("stopped", 0, most_members);
    result.parked = fields.number("parked", 0, most_members);
    if (const auto entries = fields.texts("schedule", max_entries)) {
        result.schedule.emplace();
        for (const auto& entry : *entries) result.schedule->push_back(parse_schedule_entry(entry));
    }
    if (const auto percent = fields.number("demand", 0, 100)) result.demand = static_cast<int>(*percent);
    fields.expect_no_others();
    return result;
}

PoolChange decode_pool_name(const Json& body) {
    Fields fields(body, "the pool");
    auto result = read_pool_name(fields);
    fields.expect_no_others();
    return result;
}

Duration decode_host_stop(const Json& body) {
    Fields fields(body, "the request");
    const auto budget = parse_duration(fields.text("budget").value_or("5m"));
    fields.expect_no_others();
    return budget;
}

void decode_nothing(const Json& body) { Fields(body, "the request").expect_no_others(); }

}  // namespace drover::wire
