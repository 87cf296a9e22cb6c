#include "registry/rows.hpp"

#include <algorithm>

#include "model/names.hpp"

namespace drover {

Counter::Counter(soci::session& sql, std::string name) : sql_(sql), name_(std::move(name)) {
    value_ = first<long long>(sql_, "SELECT value FROM counters WHERE name = :name", name_).value_or(0);
}

void Counter::store() const {
    write(sql_,
          "INSERT INTO counters (name, value) VALUES (:name, :value) "
          "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
          name_, value_);
}

long long next_number(soci::session& sql, const std::string& counter) {
    return *first<long long>(sql,
                             "INSERT INTO counters (name, value) VALUES (:name, 1) "
                             "ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value",
                             counter);
}

const std::string select_guests =
    "SELECT id, name, owner, kind, image, profile, host, address, phase, desired, want_version, want_overlay, "
    "want_boot, have_version, have_overlay, have_boot, good, copy, since, attempts, fault_kind, fault_message, "
    "fault_since, operation, rev, created, started_by, host_key, machine_id, autostart, previous, protected, "
    "source, keep, lease, timings, pool, network FROM guests";

void Columns<GuestRow>::bind(soci::statement& statement, GuestRow& row) {
    const auto into = [&](auto&... field) { (statement.exchange(soci::into(field)), ...); };
    Guest& guest = row.guest;
    into(guest.id, guest.name, guest.owner, guest.kind, guest.image, guest.profile, guest.host, guest.address);
    into(guest.phase, guest.desired, guest.want.version, guest.want.overlay, guest.want.boot);
    into(guest.have.version, guest.have.overlay, guest.have.boot, guest.good, guest.copy, guest.since, guest.attempts);
    into(row.fault_kind, row.fault.message, row.fault.since, guest.operation, guest.rev, guest.created);
    into(guest.started_by, guest.host_key, guest.machine_id, guest.autostart, guest.previous, guest.is_protected,
         guest.source, guest.keep, guest.lease, row.timings, guest.pool, guest.network);
}

Guest guest_of(GuestRow row) {
    row.guest.timings = parse_timings(row.timings);
    if (row.fault_kind) {
        row.fault.kind = std::move(*row.fault_kind);
        row.guest.fault = std::move(row.fault);
    }
    return std::move(row.guest);
}

std::vector<Guest> read_candidates(soci::session& sql, const Selection& selection,
                                   const std::optional<std::string>& owner, const std::string& condition) {
    const auto where = "WHERE " + condition;
    if (selection.globs.size() == 1 && is_plain(selection.globs.front())) {
        auto guests = read_guests(sql, where + " AND name = :name", selection.globs.front());
        if (owner) std::erase_if(guests, [&](const Guest& guest) { return guest.owner != owner; });
        return guests;
    }
    if (owner) return read_guests(sql, where + " AND owner = :owner", *owner);
    return read_guests(sql, where);
}

void sort_naturally(std::vector<Guest>& guests) {
    // Guests are large: each is moved once, to where it belongs.
    std::vector<Guest*> order;
    for (Guest& guest : guests) order.push_back(&guest);
    std::sort(order.begin(), order.end(),
              [](const Guest* a, const Guest* b) { return natural_less(a->name, b->name); });
    std::vector<Guest> sorted;
    sorted.reserve(guests.size());
    for (Guest* guest : order) sorted.push_back(std::move(*guest));
    guests = std::move(sorted);
}

}  // namespace drover
