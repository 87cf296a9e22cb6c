#pragma once
#include <boost/uuid/random_generator.hpp>
#include <string>

#include "registry/rows.hpp"

namespace drover {

/// Writes new guests, one prepared statement for all. Inside a transaction of the caller.
class GuestWriter {
  public:
    /// Their names are "{names}-{n}"; `size` what a pool's guests are made with.
    GuestWriter(Transaction& transaction, Guest pattern, const std::string& names, std::string size = "");

    /// The pattern's guest at this address, under the next id and name that nobody ever had.
    const Guest& add(Address address);
    /// To be called at the end.
    void finish() const;

  private:
    Guest guest_;
    std::string names_, size_, mac_;
    Counter ids_, numbers_;
    boost::uuids::random_generator random_;
    soci::statement insert_;
};

/// The counter of the names "{prefix}-{n}".
std::string name_counter(const std::string& prefix);

}  // namespace drover
