#include <fmt/format.h>

#include "model/error.hpp"
#include "registry/certain_time.hpp"
#include "registry/rows.hpp"

namespace drover {
namespace {

/// The address to be tried after `address`: the next one of the subnet, after the last the first.
Address after(Address address, const Subnet& subnet) {
    const bool inside = address >= subnet.first() && address < subnet.last();
    return inside ? Address{address.value + 1} : subnet.first();
}

void check_capacity(soci::session& sql, const Subnet& subnet, long long count) {
    const auto first_address = subnet.first(), last_address = subnet.last();
    const auto [taken, resting] = *first<std::tuple<long long, long long>>(
        sql, "SELECT count(*), count(free_at) FROM addresses WHERE address BETWEEN :first AND :last", first_address,
        last_address);
    const auto free = static_cast<long long>(last_address.value) - first_address.value + 1 - taken;
    if (count <= free) return;
    throw Error(ErrorKind::refused,
                fmt::format("no free address in {} for {} of {} guests", to_text(subnet), count - free, count),
                fmt::format("retire guests, wait until the {} addresses in quarantine are free, or give network.cidr "
                            "a wider subnet",
                            resting));
}

}  // namespace

std::vector<Address> reserve_addresses(Transaction& transaction, const Subnet& subnet, long long count) {
    auto& sql = transaction.sql;
    const Time now = certain_time(transaction);
    write(sql, "DELETE FROM addresses WHERE free_at <= :now", now);
    check_capacity(sql, subnet, count);

    const std::string cursor = "address";  // the counter that holds the address given out last
    auto address = first<Address>(sql, "SELECT value FROM counters WHERE name = :cursor", cursor).value_or(Address{});
    soci::statement take(sql);
    prepare(take, "INSERT INTO addresses (address) VALUES (:address) ON CONFLICT DO NOTHING", address);
    std::vector<Address> result;
    while (static_cast<long long>(result.size()) < count) {  // ends: there are enough, and each is tried once
        address = after(address, subnet);
        take.execute(true);
        if (take.get_affected_rows() == 1) result.push_back(address);
    }
    write(sql,
          "INSERT INTO counters (name, value) VALUES (:cursor, :address) "
          "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
          cursor, address);
    return result;
}

void release_address(Transaction& transaction, Address address, Duration quarantine) {
    const Time free_at = certain_time(transaction) + quarantine;
    write(transaction.sql, "UPDATE addresses SET free_at = :free_at WHERE address = :address", free_at, address);
}

}  // namespace drover
