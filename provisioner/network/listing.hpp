#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/time.hpp"

namespace drover {

/// What the kernel has in one table, as nft lists it.
struct Listing {
    struct Entry {
        std::string value{};             ///< of a map's element
        std::optional<Duration> left{};  ///< of a timed one
    };
    std::map<std::string, std::map<std::string, Entry>> sets;  ///< by set, then by key, written as in Element
    std::string rules;                                         ///< all but the elements, without handles
};

/// Error{failed} for what nft does not write.
Listing parse_listing(const std::string& json);

/// The handles of the tables of this name by family: another one is another table.
std::map<std::string, long long> parse_tables(const std::string& json, const std::string& name);

/// Chains of others than Drover where forwarded packets are dropped that no rule accepts: "ip filter FORWARD".
std::vector<std::string> strict_forward_chains(const std::string& json);

}  // namespace drover
