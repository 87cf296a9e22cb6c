#include "control/codec.hpp"

#include <algorithm>
#include <charconv>

#include "control/fields.hpp"
#include "control/identity_json.hpp"
#include "model/error.hpp"
#include "model/names.hpp"
#include "model/password.hpp"

namespace drover::control {
namespace {

constexpr std::size_t longest_key = 2048;
constexpr std::size_t key_bytes = 32;
constexpr std::string_view no_key = "-";
constexpr std::string_view forkable = "FORKABLE";

template <typename... Types> struct Overloaded : Types... { using Types::operator()...; };
// clang 14, the compiler of the fuzzers, does not find this by itself.
template <typename... Types> Overloaded(Types...) -> Overloaded<Types...>;

/// The line with its newline, when it is one that the other end can read.
std::string finished(std::string line) {
    if (!is_clean_text(line))
        throw Error(ErrorKind::usage, "a line of the control channel has a control character or is no UTF-8");
    line += '\n';
    if (line.size() > max_line)
        throw Error(ErrorKind::usage,
                    "a line of the control channel has " + std::to_string(line.size()) + " bytes, over 4096");
    return line;
}

std::string numbered(std::string_view word, std::uint32_t n) { return std::string(word) + " " + std::to_string(n); }

/// `count` fields: all but the last end at a single space, the last is all that remains. Nothing when one is empty.
std::vector<std::string_view> split(std::string_view line, std::size_t count) {
    std::vector<std::string_view> fields;
    while (fields.size() + 1 < count) {
        const auto space = line.find(' ');
        if (space == std::string_view::npos || space == 0) return {};
        fields.push_back(line.substr(0, space));
        line.remove_prefix(space + 1);
    }
    if (line.empty()) return {};
    fields.push_back(line);
    return fields;
}

std::string_view first_word(std::string_view line) { return line.substr(0, line.find(' ')); }

std::optional<std::uint32_t> parse_number(std::string_view text) {
    std::uint32_t n = 0;
    const auto* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, n);
    if (result.ec != std::errc() || result.ptr != end || (text.size() > 1 && text.front() == '0')) return std::nullopt;
    return n;
}

/// What `read` makes of a text, when it takes it.
template <typename Read> auto if_right(Read read, std::string_view text) -> std::optional<decltype(read(text))> {
    try {
        return read(text);
    } catch (const Error&) {
        return std::nullopt;
    }
}

bool is_service_name(std::string_view text) {
    const auto check = [](std::string_view name) { return check_plain_name("service", name), true; };
    return if_right(check, text).has_value();
}

bool is_login(std::string_view text) {
    const auto check = [](std::string_view name) { return check_login(name), true; };
    return if_right(check, text).has_value();
}

std::optional<FromGuest> decode_hello(std::string_view line) {
    const auto fields = split(line, 4);
    if (fields.empty() || parse_number(fields[1]) != protocol || !is_hex(fields[2], 32)) return std::nullopt;
    if (fields[3] == no_key) return Hello{std::string(fields[2]), ""};
    if (!from_base64(fields[3], key_bytes)) return std::nullopt;
    return Hello{std::string(fields[2]), std::string(fields[3])};
}

std::optional<FromGuest> decode_ready(std::string_view line) {
    const auto fields = split(line, 2);
    if (fields.empty() || !is_hex(fields[1], 64)) return std::nullopt;
    return Ready{std::string(fields[1])};
}

std::optional<FromGuest> decode_err(std::string_view line) {
    const auto fields = split(line, 3);
    const auto n = fields.empty() ? std::nullopt : parse_number(fields[1]);
    if (!n) return std::nullopt;
    return Err{*n, std::string(fields[2])};
}

std::optional<FromGuest> decode_service(std::string_view line) {
    const auto fields = split(line, 3);
    if (fields.empty() || !is_service_name(fields[1])) return std::nullopt;
    const auto status = if_right(parse_service_status, fields[2]);
    if (!status || *status == ServiceStatus::unknown) return std::nullopt;
    return ServiceState{std::string(fields[1]), *status};
}

std::optional<FromGuest> decode_hidden(std::string_view line) {
    const auto fields = split(line, 3);
    const auto n = fields.empty() ? std::nullopt : parse_number(fields[1]);
    if (!n) return std::nullopt;
    Hidden hidden{*n, {}};
    for (auto rest = fields[2]; !rest.empty();) {
        const auto pair = split(rest, 2);
        const auto index = pair.empty() ? std::nullopt : parse_number(pair[0]);
        const auto how = pair.empty() ? std::nullopt : hiding_named(first_word(pair[1]));
        if (!index || !how) return std::nullopt;
        hidden.entries.push_back({*index, *how});
        const auto space = pair[1].find(' ');
        rest = space == std::string_view::npos ? "" : pair[1].substr(space + 1);
        if (space != std::string_view::npos && rest.empty()) return std::nullopt;
    }
    return hidden;
}

/// `WORD n`, as Ok, Ping and Stop are written.
template <typename Message, typename Variant> std::optional<Variant> decode_bare(std::string_view line) {
    const auto fields = split(line, 2);
    const auto n = fields.empty() ? std::nullopt : parse_number(fields[1]);
    if (!n) return std::nullopt;
    return Message{*n};
}

bool is_key(std::string_view kind, std::string_view text) {
    if (kind == "host") return from_base64(text, key_bytes).has_value();
    return kind == "authorized" && text.size() <= longest_key && !text.starts_with(' ') && !text.ends_with(' ');
}

std::optional<FromDaemon> decode_key(std::string_view line) {
    const auto fields = split(line, 4);
    const auto n = fields.empty() ? std::nullopt : parse_number(fields[1]);
    if (!n || !is_key(fields[2], fields[3])) return std::nullopt;
    return Key{*n, std::string(fields[2]), std::string(fields[3])};
}

std::optional<FromDaemon> decode_address6(std::string_view line) {
    const auto fields = split(line, 4);
    const auto n = fields.empty() ? std::nullopt : parse_number(fields[1]);
    if (!n || !parse_interface_address6(fields[2])) return std::nullopt;
    if (fields[3] == no_key) return TellAddress6{*n, std::string(fields[2]), ""};
    if (!is_address6(fields[3])) return std::nullopt;
    return TellAddress6{*n, std::string(fields[2]), std::string(fields[3])};
}

std::optional<FromDaemon> decode_introduce(std::string_view line) {
    const auto fields = split(line, 3);
    const auto n = fields.empty() ? std::nullopt : parse_number(fields[1]);
    auto identity = n ? identity_from_json(fields[2]) : std::nullopt;
    if (!identity) return std::nullopt;
    return Introduce{*n, std::move(*identity)};
}

std::optional<FromDaemon> decode_path(std::string_view line) {
    const auto fields = split(line, 5);
    const auto n = fields.empty() ? std::nullopt : parse_number(fields[1]);
    const auto was = n ? parse_file_form(fields[2]) : std::nullopt;
    const auto is = n ? parse_file_form(fields[3]) : std::nullopt;
    if (!was || !is || !is_plain_path(fields[4])) return std::nullopt;
    return Path{*n, {std::string(fields[4]), *was, *is}};
}

/// `WORD n COUNT`
template <typename Message> std::optional<FromDaemon> decode_counted(std::string_view line) {
    const auto fields = split(line, 3);
    const auto n = fields.empty() ? std::nullopt : parse_number(fields[1]);
    const auto count = n ? parse_number(fields[2]) : std::nullopt;
    if (!count || *count > most_questions) return std::nullopt;
    return Message{*n, *count};
}

/// 0 to `most`, written in the one way that there is.
std::optional<std::int64_t> parse_long(std::string_view text, std::int64_t most) {
    std::int64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value);
    if (result.ec != std::errc() || result.ptr != end || std::to_string(value) != text) return std::nullopt;
    return value >= 0 && value <= most ? std::optional(value) : std::nullopt;
}

std::optional<std::int64_t> parse_time(std::string_view text) { return parse_long(text, latest_time); }
std::optional<std::int64_t> parse_bytes(std::string_view text) { return parse_long(text, most_bytes); }

std::optional<FromGuest> decode_levels(std::string_view line) {
    const auto fields = split(line, 6);
    if (fields.empty()) return std::nullopt;
    const auto time = parse_time(fields[1]);
    const auto disk_used = parse_bytes(fields[2]), disk_size = parse_bytes(fields[3]);
    const auto memory_free = parse_bytes(fields[4]), memory_size = parse_bytes(fields[5]);
    if (!time || !disk_used || !disk_size || !memory_free || !memory_size) return std::nullopt;
    if (*disk_used > *disk_size || *memory_free > *memory_size) return std::nullopt;
    return Levels{*time, *disk_used, *disk_size, *memory_free, *memory_size};
}

std::optional<FromDaemon> decode_renew(std::string_view line) {
    const auto fields = split(line, 6);
    const auto n = fields.empty() ? std::nullopt : parse_number(fields[1]);
    const auto time = n ? parse_time(fields[5]) : std::nullopt;
    if (!time || !from_base64(fields[2], renewal_seed_bytes) || !is_hex(fields[3], 32) || !is_mac(fields[4]))
        return std::nullopt;
    return Renew{*n, std::string(fields[2]), std::string(fields[3]), std::string(fields[4]), *time};
}

std::optional<FromDaemon> decode_order(std::string_view line) {
    const auto fields = split(line, 4);
    const auto n = fields.empty() ? std::nullopt : parse_number(fields[1]);
    const auto act = n ? if_right(parse_service_act, fields[3]) : std::nullopt;
    if (!act || !is_service_name(fields[2])) return std::nullopt;
    return ServiceOrder{*n, std::string(fields[2]), *act};
}

std::optional<FromDaemon> decode_password(std::string_view line) {
    const auto fields = split(line, 4);
    const auto n = fields.empty() ? std::nullopt : parse_number(fields[1]);
    if (!n || !is_login(fields[2]) || !is_password_hash(fields[3])) return std::nullopt;
    return Password{*n, std::string(fields[2]), std::string(fields[3])};
}

bool fits(std::string_view line) { return line.size() < max_line && is_clean_text(line); }

}  // namespace

std::string encode(const FromGuest& message) {
    const auto text = Overloaded{
        [](const Hello& m) {
            return numbered("HELLO", protocol) + " " + m.boot_id + " " +
                   (m.host_key.empty() ? std::string(no_key) : m.host_key);
        },
        [](const Ready& m) { return "READY " + m.digest; },
        [](const Ok& m) { return numbered("OK", m.n); },
        [](const Err& m) { return numbered("ERR", m.n) + " " + m.text; },
        [](const ServiceState& m) { return "SERVICE " + m.name + " " + std::string(to_text(m.status)); },
        [](const Hidden& m) {
            auto line = numbered("HIDDEN", m.n);
            for (const auto& [index, how] : m.entries)
                line.append(" ").append(std::to_string(index)).append(" ").append(to_text(how));
            return line;
        },
        [](const Forkable&) { return std::string(forkable); },
        [](const Levels& m) {
            auto line = std::string("LEVELS");
            for (const auto value : {m.time, m.disk_used, m.disk_size, m.memory_free, m.memory_size})
                line.append(" ").append(std::to_string(value));
            return line;
        },
    };
    return finished(std::visit(text, message));
}

std::string encode(const FromDaemon& message) {
    const auto text = Overloaded{
        [](const Key& m) { return numbered("KEY", m.n) + " " + m.kind + " " + m.text; },
        [](const TellAddress6& m) {
            return numbered("ADDRESS6", m.n) + " " + m.address + " " +
                   (m.gateway.empty() ? std::string(no_key) : m.gateway);
        },
        [](const Introduce& m) { return numbered("IDENTITY", m.n) + " " + to_json(m.identity, true); },
        [](const Ping& m) { return numbered("PING", m.n); },
        [](const Stop& m) { return numbered("STOP", m.n); },
        [](const Path& m) {
            return numbered("PATH", m.n) + " " + to_text(m.change.was) + " " + to_text(m.change.is) + " " +
                   m.change.path;
        },
        [](const AskShadows& m) { return numbered("SHADOWS", m.n) + " " + std::to_string(m.count); },
        [](const Reset& m) { return numbered("RESET", m.n) + " " + std::to_string(m.count); },
        [](const Renew& m) {
            return numbered("RENEW", m.n) + " " + m.seed + " " + m.boot_id + " " + m.mac + " " + std::to_string(m.time);
        },
        [](const ServiceOrder& m) {
            return numbered("SERVICE", m.n) + " " + m.name + " " + std::string(to_text(m.act));
        },
        [](const Password& m) { return numbered("PASSWORD", m.n) + " " + m.user + " " + m.hash; },
    };
    return finished(std::visit(text, message));
}

std::optional<FromGuest> decode_from_guest(std::string_view line) {
    if (!fits(line)) return std::nullopt;
    const auto word = first_word(line);
    if (word == "HELLO") return decode_hello(line);
    if (word == "READY") return decode_ready(line);
    if (word == "OK") return decode_bare<Ok, FromGuest>(line);
    if (word == "ERR") return decode_err(line);
    if (word == "SERVICE") return decode_service(line);
    if (word == "HIDDEN") return decode_hidden(line);
    if (word == "LEVELS") return decode_levels(line);
    if (line == forkable) return Forkable{};
    return std::nullopt;
}

std::optional<FromDaemon> decode_from_daemon(std::string_view line) {
    if (!fits(line)) return std::nullopt;
    const auto word = first_word(line);
    if (word == "KEY") return decode_key(line);
    if (word == "ADDRESS6") return decode_address6(line);
    if (word == "IDENTITY") return decode_introduce(line);
    if (word == "PING") return decode_bare<Ping, FromDaemon>(line);
    if (word == "STOP") return decode_bare<Stop, FromDaemon>(line);
    if (word == "PATH") return decode_path(line);
    if (word == "SHADOWS") return decode_counted<AskShadows>(line);
    if (word == "RESET") return decode_counted<Reset>(line);
    if (word == "RENEW") return decode_renew(line);
    if (word == "SERVICE") return decode_order(line);
    if (word == "PASSWORD") return decode_password(line);
    return std::nullopt;
}

std::string digest_of(const Identity& identity, const std::vector<std::string>& authorized_keys) {
    auto text = to_json(identity, false) + "\n";
    if (!identity.address6.empty()) text += identity.address6 + " " + identity.gateway6 + "\n";
    for (const auto& key : authorized_keys) text += key + "\n";
    return sha256_hex(text);
}

}  // namespace drover::control
