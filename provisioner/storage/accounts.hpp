#pragma once
#include <filesystem>
#include <string>

#include "storage/build_work.hpp"

namespace drover {

/// A root whose guests may come to run another.
struct EarlierRoot {
    std::string digest;
    std::filesystem::path file;  ///< its squashfs
};

/// Compares /etc/passwd and /etc/group: files that guests of the earlier root have belong to numbers. Error{refused}
/// when `root` gives a user or a group of it another number, or its number to another one. New accounts, and ones that
/// are gone, are fine. A root without these files has no accounts.
void check_accounts(const EarlierRoot& earlier, const std::filesystem::path& root, const std::string& image,
                    const BuildWork& work);

}  // namespace drover
