#pragma once
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "wire/wire.hpp"

namespace drover::wire {

/// Reads the fields of one JSON object, each with its type and bounds, and remembers which were asked for. Every
/// complaint names the field and its value. A field that is absent is nullopt; need_* complain about that.
class Fields {
  public:
    /// `what` names the object in messages: "the request".
    Fields(const Json& object, std::string what);

    std::optional<std::string> text(const std::string& name, std::size_t max_length = 255);
    std::optional<long long> number(const std::string& name, long long least, long long most);
    std::optional<bool> flag(const std::string& name);
    std::optional<std::vector<std::string>> texts(const std::string& name, std::size_t max_entries,
                                                  std::size_t max_length = 255);
    /// The field whatever it holds; nullptr when absent.
    const Json* any(const std::string& name);

    std::string need_text(const std::string& name, std::size_t max_length = 255);
    std::vector<std::string> need_texts(const std::string& name, std::size_t max_entries);
    long long need_number(const std::string& name, long long least, long long most);

    /// Complains about the first field that was not asked for.
    void expect_no_others() const;

  private:
    [[nodiscard]] std::string checked_text(const std::string& name, const Json& value, std::size_t max_length) const;
    [[nodiscard]] Error wrong(const std::string& name, const Json& value, const std::string& expected) const;
    [[nodiscard]] Error missing(const std::string& name) const;

    const Json& object_;
    std::string what_;
    std::set<std::string, std::less<>> asked_;
};

/// A value for a message: its JSON, cut to a readable length.
std::string shown(const Json& value);

/// Runs a decoder of answers: what it finds wrong is the daemon's fault, so Error{usage} becomes Error{failed}.
template <typename Decode> auto of_answer(Decode decode) {
    try {
        return decode();
    } catch (const Error& error) {
        throw Error(ErrorKind::failed, std::string("the daemon's answer is not understood: ") + error.what(),
                    "do drover and droverd have the same version?");
    }
}

/// null for an empty text.
Json text_or_null(const std::string& text);

/// The time written by to_rfc3339. Error{usage} naming the text otherwise.
Time parse_rfc3339(const std::string& text);

/// Names of the fields of a listing, in their order.
const std::vector<std::string>& listing_fields();

}  // namespace drover::wire
