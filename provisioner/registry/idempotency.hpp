#pragma once
#include <optional>
#include <string>

#include "model/requests.hpp"
#include "registry/session.hpp"

/// Answers to requests that may be sent twice, inside a transaction of the caller. For the files of this room only.
namespace drover {

/// A request as its sender marked it.
struct MarkedRequest {
    std::string caller;
    std::string key;   ///< empty: not marked, nothing is looked up or kept
    std::string text;  ///< canonical: equal requests have equal texts
};

/// The answer that this request got in the last 24 hours. Error{refused} when the key came with another request.
std::optional<GuestReservation> first_answer(Transaction& transaction, const MarkedRequest& request);

/// Keeps the answer for 24 hours, and forgets those that are older.
void keep_answer(Transaction& transaction, const MarkedRequest& request, const GuestReservation& answer);

}  // namespace drover
