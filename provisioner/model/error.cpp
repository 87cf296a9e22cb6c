#include "model/error.hpp"

#include <algorithm>
#include <array>

namespace drover {
namespace {

constexpr std::array forms{
    ErrorForm{ErrorKind::failed, "failed", 1, 500},       ErrorForm{ErrorKind::usage, "usage", 2, 400},
    ErrorForm{ErrorKind::not_found, "not-found", 3, 404}, ErrorForm{ErrorKind::refused, "refused", 4, 409},
    ErrorForm{ErrorKind::denied, "denied", 5, 403},       ErrorForm{ErrorKind::unavailable, "unavailable", 6, 503},
    ErrorForm{ErrorKind::timed_out, "timed-out", 7, 504}, ErrorForm{ErrorKind::interrupted, "interrupted", 130, 499},
};

}  // namespace

Error Error::within(std::string_view context) const { return {kind_, std::string(context) + ": " + what(), hint_}; }

const ErrorForm& form_of(ErrorKind kind) noexcept {
    return *std::find_if(forms.begin(), forms.end() - 1, [&](const ErrorForm& form) { return form.kind == kind; });
}

ErrorKind error_kind_named(std::string_view name) noexcept {
    const auto* form = std::find_if(forms.begin(), forms.end(), [&](const ErrorForm& f) { return f.name == name; });
    return form == forms.end() ? ErrorKind::failed : form->kind;
}

}  // namespace drover
