#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "control/codec.hpp"

/// Passwords that the host had a guest take. Each opens a login on the console once: who logged in with it has it
/// forgotten (forget_password). /etc is the shared root's, so they are kept with the guest's end's own things, and
/// /etc/shadow is mounted over by the root's with these in it. One thread.
namespace drover::guest {

/// The text of a shadow file with these in it: `passwords` is lines of `user hash`. Users that the file does not know
/// are left out.
std::string shadow_with(std::string_view shadow, std::string_view passwords);

/// Durably, instead of the one that the user had from here. Error{usage} naming a user that the guest has not.
void remember_password(const std::filesystem::path& root, const control::Password& password);

/// Lets what is remembered open logins, and nothing else that was remembered before. Repeatable; nothing is done where
/// nothing ever was.
void put_passwords_into_force(const std::filesystem::path& root);

/// The user's password opens nothing any more. One that has none: nothing.
void forget_password(const std::filesystem::path& root, const std::string& user);

}  // namespace drover::guest
