#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

namespace drover {

/// What went wrong, in the few kinds that a caller can act on. One table maps them to exit code and HTTP status.
enum class ErrorKind {
    failed,       ///< it was tried and did not work, wholly or partly
    usage,        ///< the request itself is wrong: unknown field, bad name, bad number
    not_found,    ///< no such thing, or not one that this caller may see
    refused,      ///< quota, conflict, exhausted: the request is fine, the state forbids it
    denied,       ///< a verb that this caller may not use at all
    unavailable,  ///< daemon or hypervisor out of reach; trying later makes sense
    timed_out,    ///< the work goes on, the waiting ended
    interrupted,  ///< the user said stop waiting
};

/// The one exception of Drover. `what()` names the value at fault; `hint` names the next thing to do (may be empty).
class Error : public std::runtime_error {
  public:
    Error(ErrorKind kind, const std::string& message, std::string hint = "")
        : std::runtime_error(message), kind_(kind), hint_(std::move(hint)) {}

    [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
    [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

    /// The same error with what was being done in front: "build alice-1: disk full". Kind and hint stay.
    [[nodiscard]] Error within(std::string_view context) const;

  private:
    ErrorKind kind_;
    std::string hint_;
};

/// One row of the table from kinds to the outside world.
struct ErrorForm {
    ErrorKind kind;
    std::string_view name;  ///< as written in JSON
    int exit_code;          ///< of `drover`
    int http_status;        ///< of the API
};

/// The row of `kind`.
const ErrorForm& form_of(ErrorKind kind) noexcept;

/// The kind written as `name` in JSON; `failed` for a name that this version does not know.
ErrorKind error_kind_named(std::string_view name) noexcept;

}  // namespace drover
