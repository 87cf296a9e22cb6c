#include "registry/selected.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "model/error.hpp"
#include "model/names.hpp"
#include "registry/rows.hpp"

namespace drover {
namespace {

void check_one_way(const Selection& selection) {
    if ((selection.globs.empty() ? 0 : 1) + (selection.owner ? 1 : 0) + (selection.all ? 1 : 0) != 1) {
        throw Error(ErrorKind::usage, "a verb takes exactly one of GLOB..., --owner, --all");
    }
}

/// Error{not_found} naming the owner when there is none, or it has no guests.
void check_owner(soci::session& sql, const std::string& owner, bool has_guests) {
    if (has_guests) return;
    if (first<std::string>(sql, "SELECT name FROM owners WHERE name = :name", owner)) {
        throw Error(ErrorKind::not_found, fmt::format("owner '{}' has no guests", owner),
                    fmt::format("drover request --owner {} --count N", owner));
    }
    throw Error(ErrorKind::not_found, fmt::format("no owner '{}'", owner), fmt::format("drover owner set {}", owner));
}

/// The guests that any of the globs names. Error{not_found} naming a glob that names none.
std::vector<Guest> picked(const std::vector<Guest>& guests, const std::vector<std::string>& globs) {
    std::vector<bool> taken(guests.size());
    for (const std::string& glob : globs) {
        bool found = false;
        for (std::size_t i = 0; i < guests.size(); ++i) {
            if (!glob_matches(glob, guests[i].name)) continue;
            taken[i] = found = true;
        }
        if (!found) throw Error(ErrorKind::not_found, fmt::format("no guest matches '{}'", glob), "drover list");
    }
    std::vector<Guest> result;
    for (std::size_t i = 0; i < guests.size(); ++i) {
        if (taken[i]) result.push_back(guests[i]);
    }
    return result;
}

/// What is in a pool is meant by its very name alone.
void leave_out_pools(std::vector<Guest>& guests, const Selection& selection) {
    std::erase_if(guests, [&](const Guest& guest) {
        return !guest.owner && std::count(selection.globs.begin(), selection.globs.end(), guest.name) == 0;
    });
}

}  // namespace

std::vector<Guest> selected(soci::session& sql, const Selection& selection,
                            const std::optional<std::string>& visible_owner, const std::string& condition) {
    check_one_way(selection);
    if (selection.owner && visible_owner && *selection.owner != *visible_owner) {
        throw Error(ErrorKind::not_found, fmt::format("no owner '{}'", *selection.owner));
    }
    const auto owner = selection.owner ? selection.owner : visible_owner;
    auto guests = read_candidates(sql, selection, owner, condition);
    leave_out_pools(guests, selection);
    sort_naturally(guests);
    if (selection.owner) check_owner(sql, *selection.owner, !guests.empty());
    return selection.globs.empty() ? guests : picked(guests, selection.globs);
}

nlohmann::json told(const Selection& selection) {
    if (selection.owner) return {{"owner", *selection.owner}};
    if (selection.all) return {{"all", true}};
    return {{"globs", selection.globs}};
}

}  // namespace drover
