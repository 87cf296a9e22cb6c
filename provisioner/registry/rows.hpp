#pragma once
#include <string>
#include <utility>
#include <vector>

#include "model/network.hpp"
#include "model/requests.hpp"
#include "registry/session.hpp"
#include "registry/sql.hpp"

/// What the files of this room share about guests, numbers and addresses. Everything here runs inside a transaction of
/// its caller.
namespace drover {

/// Numbers that are never used twice: read once, counted in memory, stored in the same transaction.
class Counter {
  public:
    Counter(soci::session& sql, std::string name);
    /// The next number, 1 the first time.
    long long next() { return ++value_; }
    /// To be called before the transaction ends, when next() was.
    void store() const;

  private:
    soci::session& sql_;
    std::string name_;
    long long value_;
};

/// One number of a counter.
long long next_number(soci::session& sql, const std::string& counter);

/// A guest as its row holds it.
struct GuestRow {
    Guest guest;
    std::optional<std::string> fault_kind;
    Fault fault;
    std::string timings;
};
template <> struct Columns<GuestRow> { static void bind(soci::statement& statement, GuestRow& row); };
/// "SELECT ... FROM guests": the columns in the order of Columns<GuestRow>.
extern const std::string select_guests;
Guest guest_of(GuestRow row);

/// The guests of "WHERE ...", in no order.
template <typename... Values>
std::vector<Guest> read_guests(soci::session& sql, const std::string& clause, const Values&... values) {
    std::vector<Guest> result;
    each<GuestRow>(
        sql, [&](const GuestRow& row) { result.push_back(guest_of(row)); }, select_guests + " " + clause, values...);
    return result;
}

/// Those, in no order, that `selection` may mean and of which `condition` holds, of this owner when there is one. One
/// guest is read alone: most verbs name one, and there may be thousands.
std::vector<Guest> read_candidates(soci::session& sql, const Selection& selection,
                                   const std::optional<std::string>& owner, const std::string& condition);

/// By name: alice-2 before alice-10.
void sort_naturally(std::vector<Guest>& guests);

/// Takes `count` free addresses: onwards from the one given out last, so that the longest-free come first, then around
/// to the gaps. Addresses whose quarantine is over are free. All or none: Error{refused} "no free address in ...".
std::vector<Address> reserve_addresses(Transaction& transaction, const Network& network, long long count);

/// Lets an address rest for `quarantine`.
void release_address(Transaction& transaction, Address address, Duration quarantine);

}  // namespace drover
