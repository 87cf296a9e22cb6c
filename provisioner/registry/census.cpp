// How many there are of what: a grouped SELECT each, for metrics and for those who look at all of the herd.
#include <algorithm>

#include "registry/registry.hpp"
#include "registry/session.hpp"
#include "registry/sql.hpp"

namespace drover {

std::vector<Crowd> Guests::census() {
    using Row = std::tuple<Kind, Phase, Desired, bool, bool, long long>;
    return session_.read([](Transaction& transaction) {
        std::vector<Crowd> crowds;
        each<Row>(
            transaction.sql,
            [&](const Row& row) {
                const auto& [kind, phase, desired, is_owned, is_faulted, count] = row;
                crowds.push_back({kind, phase, desired, is_owned, is_faulted, count});
            },
            "SELECT kind, phase, desired, CASE WHEN owner IS NULL THEN 0 ELSE 1 END AS owned, "
            "CASE WHEN fault_kind IS NULL THEN 0 ELSE 1 END AS faulted, COUNT(*) FROM guests WHERE phase <> 'gone' "
            "GROUP BY kind, phase, desired, CASE WHEN owner IS NULL THEN 0 ELSE 1 END, "
            "CASE WHEN fault_kind IS NULL THEN 0 ELSE 1 END ORDER BY 1, 2, 3, 4, 5");
        return crowds;
    });
}

std::vector<Operations::Tally> Operations::tallies() {
    using Row = std::tuple<std::string, std::string, long long>;
    return session_.read([](Transaction& transaction) {
        std::vector<Tally> tallies;
        each<Row>(
            transaction.sql,
            [&](const Row& row) {
                const auto& [verb, outcome, count] = row;
                tallies.push_back({verb, outcome, count});
            },
            "SELECT verb, outcome, COUNT(*) FROM operations GROUP BY verb, outcome ORDER BY verb, outcome");
        return tallies;
    });
}

std::vector<Operation> Operations::running(int limit) {
    auto operations = list(limit * 10);
    std::erase_if(operations, [](const Operation& operation) { return operation.finished.has_value(); });
    operations.resize(std::min(operations.size(), static_cast<std::size_t>(limit)));
    return operations;
}

}  // namespace drover
