#pragma once
#include <soci/soci.h>

#include <array>
#include <semaphore>
#include <string>
#include <vector>

#include "model/sync.hpp"

namespace drover {

/// Connections that only read. Any thread.
class Readers {
  public:
    /// Error{unavailable} when the file cannot be opened.
    explicit Readers(const std::string& file);

    /// One of them, for as long as this lives; waits until one is free.
    class Loan {
      public:
        explicit Loan(Readers& readers);
        ~Loan();
        Loan(const Loan&) = delete;
        Loan& operator=(const Loan&) = delete;
        soci::session& operator*() { return *sql_; }

      private:
        Readers& readers_;
        soci::session* sql_;
    };

  private:
    static constexpr int count = 2;  ///< each has a cache of its own
    std::array<soci::session, count> all_;
    std::counting_semaphore<count> free_{count};
    Synchronized<std::vector<soci::session*>> idle_;
};

}  // namespace drover
