#include <fmt/format.h>

#include "model/error.hpp"
#include "registry/certain_time.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"

namespace drover {
namespace {

/// The address to be tried after `address`: the next one of the network, after the last the first.
Address after(Address address, const Network& network) {
    const bool inside = address >= network.first && address < network.last;
    return inside ? Address{address.value + 1} : network.first;
}

void check_capacity(soci::session& sql, const Network& network, long long count) {
    const auto first_address = network.first, last_address = network.last;
    const auto [taken, resting] = *first<std::tuple<long long, long long>>(
        sql, "SELECT count(*), count(free_at) FROM addresses WHERE address BETWEEN :first AND :last", first_address,
        last_address);
    const auto free = network.room() - taken;
    if (count <= free) return;
    throw Error(ErrorKind::refused,
                fmt::format("no free address in {} for {} of {} guests", to_text(network.subnet), count - free, count),
                fmt::format("retire guests, wait until the {} addresses in quarantine are free, or give {} a wider "
                            "subnet in the configuration",
                            resting, network.name.empty() ? "network.cidr" : "the network " + network.name));
}

}  // namespace

std::vector<Address> reserve_addresses(Transaction& transaction, const Network& network, long long count) {
    auto& sql = transaction.sql;
    const Time now = certain_time(transaction);
    write(sql, "DELETE FROM addresses WHERE free_at <= :now", now);
    check_capacity(sql, network, count);

    // The counter that holds the address given out last.
    const std::string cursor = network.name.empty() ? "address" : "address/" + network.name;
    auto address = first<Address>(sql, "SELECT value FROM counters WHERE name = :cursor", cursor).value_or(Address{});
    soci::statement take(sql);
    prepare(take, "INSERT INTO addresses (address) VALUES (:address) ON CONFLICT DO NOTHING", address);
    std::vector<Address> result;
    while (static_cast<long long>(result.size()) < count) {  // ends: there are enough, and each is tried once
        address = after(address, network);
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

AddressCount Guests::count_addresses(const Network& network) {
    return session_.read([&](Transaction& transaction) {
        const auto [used, resting] = *first<std::tuple<long long, long long>>(
            transaction.sql,
            "SELECT count(*) - count(free_at), count(CASE WHEN free_at > :now THEN 1 END) FROM addresses "
            "WHERE address BETWEEN :first AND :last",
            peek_certain_time(transaction), network.first, network.last);
        return AddressCount{.used = used, .resting = resting, .free = network.room() - used - resting};
    });
}

std::map<std::string, long long> Guests::count_by_network() {
    return session_.read([](Transaction& transaction) {
        std::map<std::string, long long> counts;
        each<std::tuple<std::string, long long>>(
            transaction.sql,
            [&](const auto& row) {
                counts.insert({std::get<0>(row), std::get<1>(row)});
            },
            "SELECT network, count(*) FROM guests WHERE phase <> 'gone' GROUP BY network");
        return counts;
    });
}

}  // namespace drover
