#pragma once
#include <soci/soci.h>

#include <string>

#include "model/error.hpp"

namespace drover {

/// Makes an absent file, and any one private: nobody but us reads the registry. Never for a file that a connection of
/// this process has open: closing it here would drop SQLite's locks on it.
void keep_private(const std::string& file);

/// Connects to the file, with WAL, synchronous=FULL, foreign keys and a busy timeout of
/// 10 s. Error{unavailable} when it cannot be opened.
void connect(soci::session& sql, const std::string& file);

/// What the database said as an error that a caller can act on: a constraint is refused, a full disk or an I/O error
/// unavailable.
Error translated(const soci::soci_error& error);

/// There is no more space, or the disk does not take what it should. The transaction is lost.
bool is_of_the_disk(const soci::soci_error& error);

/// Ends the transaction that is open, if one is: after some errors the database has done so itself.
void roll_back(soci::session& sql);

/// "registry: WHAT: DETAIL", and that nothing was changed.
Error unavailable(const std::string& what, const std::string& detail);

}  // namespace drover
