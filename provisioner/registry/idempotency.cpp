#include "registry/idempotency.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "model/error.hpp"
#include "registry/certain_time.hpp"
#include "registry/sql.hpp"

namespace drover {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::hours kept{24};

}  // namespace

std::optional<GuestReservation> first_answer(Transaction& transaction, const MarkedRequest& request) {
    if (request.key.empty()) return std::nullopt;
    const Time oldest = certain_time(transaction) - kept;
    const auto row = first<std::tuple<std::string, std::string>>(
        transaction.sql,
        "SELECT request, answer FROM idempotency WHERE caller = :caller AND key = :key AND created > :oldest",
        request.caller, request.key, oldest);
    if (!row) return std::nullopt;
    const auto& [text, answer] = *row;
    if (text != request.text) {
        throw Error(ErrorKind::refused, fmt::format("idempotency key '{}' was used for another request", request.key),
                    "use a new key for a new request");
    }
    const auto json = Json::parse(answer);
    return GuestReservation{json.at("operation"), json.at("created"), json.at("existing")};
}

void keep_answer(Transaction& transaction, const MarkedRequest& request, const GuestReservation& answer) {
    if (request.key.empty()) return;
    const Time now = certain_time(transaction), oldest = now - kept;
    write(transaction.sql, "DELETE FROM idempotency WHERE created <= :oldest", oldest);
    const auto text =
        Json{{"operation", answer.operation}, {"created", answer.created}, {"existing", answer.existing}}.dump();
    write(transaction.sql,
          "INSERT INTO idempotency (caller, key, request, answer, created) "
          "VALUES (:caller, :key, :request, :answer, :created)",
          request.caller, request.key, request.text, text, now);
}

}  // namespace drover
