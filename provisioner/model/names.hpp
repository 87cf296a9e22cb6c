#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace drover {

/// Each check throws Error{usage} that names the value and the rule; text from outside never gets past them unseen.

/// Owner: `[a-z][a-z0-9-]{0,30}` without a trailing '-'.
void check_owner_name(std::string_view name);
/// Guest: one DNS label, lower case, 1-63 characters.
void check_guest_name(std::string_view name);
/// Instance: `[a-z][a-z0-9]{0,7}`.
void check_instance_name(std::string_view name);
/// Image or profile: `[a-z][a-z0-9-]{0,30}` without a trailing '-'. `what` names the thing in the message.
void check_plain_name(std::string_view what, std::string_view name);
/// Login: a POSIX account name, `[a-z_][a-z0-9_-]{0,31}`.
void check_login(std::string_view name);
/// One OpenSSH public key of a known type, one line, at most 2 KiB, its base64 well-formed. Returns it trimmed.
std::string check_public_key(std::string_view line);
/// A GLOB: 1-255 characters of names and `* ? [ ]`.
void check_glob(std::string_view glob);

/// The host's end of a guest's line: "{instance}-{id}". At most 15 characters for ids below a million.
std::string device_name(std::string_view instance, std::int64_t guest_id);
/// What the devices of an instance's guests begin with; its bridges do too, but then comes a letter.
std::string device_prefix(std::string_view instance);

/// The n-th name of an owner: `{owner}-{n}`.
std::string guest_name(std::string_view owner, long long n);

/// Whether `name` matches `glob` (`* ? [a-z] [!a]`, no special characters beyond these).
bool glob_matches(std::string_view glob, std::string_view name);

/// Whether a glob has no wildcard, so that it can only mean one name.
bool is_plain(std::string_view glob);

/// Natural order: runs of digits compare as numbers, so alice-2 comes before alice-10.
bool natural_less(std::string_view a, std::string_view b);

}  // namespace drover
