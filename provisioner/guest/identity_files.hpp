#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "guest/conversation.hpp"
#include "guest/settings.hpp"

/// The files through which an identity takes effect. `root` is "/" but in tests. Nothing is written that is so already,
/// and what is written is durable once the caller has synced the file system (Durable::later).
namespace drover::guest {

/// /etc/machine-id, /etc/hostname, /etc/hosts, /etc/resolv.conf and the authorized keys. What users add to hosts and to
/// the authorized keys stays. Where cloud-init has told the rest, only the authorized keys.
void put_identity_files(const std::filesystem::path& root, const Settings& settings, const Introduction& introduction);

/// In a template, whose forks have then only to append: all files of an identity are there and empty, but for what
/// hosts and the authorized keys say already. On the template's own disk, durable once the caller has synced the file
/// system.
void empty_identity_files(const std::filesystem::path& root, const Settings& settings);

/// The first page of a guest that has an owner. What the user did to its folder, or a full disk, keeps no guest from
/// being ready: then there is none.
void put_first_page(const std::filesystem::path& root, const Settings& settings, const control::Identity& identity);

/// Paths of all files that the guest's end writes because of an identity.
std::vector<std::string> identity_files(const Settings& settings);

/// The private host key file. False: it was there already.
bool put_host_key_file(const std::filesystem::path& root, const Settings& settings, std::string_view seed);
/// Base64 of the public host key; empty when there is none, or none that the image's settings speak of.
std::string read_host_key(const std::filesystem::path& root, const Settings& settings);

/// /var/lib/drover/identity: the last introduction, as the lines that told it.
void remember(const std::filesystem::path& root, const Introduction& introduction);
/// The last introduction; nothing when there is none, or one that this version cannot read.
std::optional<Introduction> recall(const std::filesystem::path& root);

}  // namespace drover::guest
