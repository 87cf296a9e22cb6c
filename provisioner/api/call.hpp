#pragma once
#include <functional>
#include <optional>
#include <string>

#include "model/requests.hpp"
#include "wire/wire.hpp"

namespace drover {

/// One request, taken apart, and who asks.
struct Call {
    std::string method;
    wire::Target target;
    std::string body;
    std::string idempotency_key;
    Caller caller;
    std::optional<std::string> visible_owner;  ///< the only owner whose guests exist for the caller; none: all
    Duration waited{0};                        ///< how long the caller has waited for news already

    /// The n-th part of the path, "/v1/guests/NAME" has NAME at 2.
    [[nodiscard]] const std::string& part(std::size_t n) const { return target.path.at(n); }
};

/// What goes back.
struct Answer {
    int status = 200;
    std::string body;
    std::string type = "application/json";
    /// For an answer without end: called again after each news; its text is sent, "" for none.
    std::function<std::string()> more;
};

/// A JSON answer.
inline Answer answer(const wire::Json& json, int status = 200) { return {status, wire::dump(json) + "\n"}; }

}  // namespace drover
