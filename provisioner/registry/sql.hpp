#pragma once
#include <soci/soci.h>

#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "model/guest.hpp"

/// Values in and out of SQL statements, for the files of this room only. Placeholders are filled in the order in which
/// they first appear in the statement.

namespace soci {

/// Times are stored as milliseconds since 1970, addresses as numbers, truth as 0 or 1.
template <> struct type_conversion<drover::Time> {
    using base_type = long long;
    static void from_base(long long value, indicator /*state*/, drover::Time& time) {
        time = drover::Time(drover::Duration(value));
    }
    static void to_base(const drover::Time& time, long long& value, indicator& state) {
        value = time.time_since_epoch().count();
        state = i_ok;
    }
};

template <> struct type_conversion<drover::Address> {
    using base_type = long long;
    static void from_base(long long value, indicator /*state*/, drover::Address& address) {
        address.value = static_cast<std::uint32_t>(value);
    }
    static void to_base(const drover::Address& address, long long& value, indicator& state) {
        value = address.value;
        state = i_ok;
    }
};

template <> struct type_conversion<bool> {
    using base_type = long long;
    static void from_base(long long value, indicator /*state*/, bool& truth) { truth = value != 0; }
    static void to_base(const bool& truth, long long& value, indicator& state) {
        value = truth ? 1 : 0;
        state = i_ok;
    }
};

/// Words are stored as people see them.
template <typename Word, Word (*parse)(std::string_view)> struct WordConversion {
    using base_type = std::string;
    static void from_base(const std::string& text, indicator /*state*/, Word& word) { word = parse(text); }
    static void to_base(const Word& word, std::string& text, indicator& state) {
        text = drover::to_text(word);
        state = i_ok;
    }
};
template <> struct type_conversion<drover::Kind> : WordConversion<drover::Kind, drover::parse_kind> {};
template <> struct type_conversion<drover::Phase> : WordConversion<drover::Phase, drover::parse_phase> {};
template <> struct type_conversion<drover::Autostart> : WordConversion<drover::Autostart, drover::parse_autostart> {};
template <> struct type_conversion<drover::Desired> : WordConversion<drover::Desired, drover::parse_desired> {};

/// None is NULL.
template <typename T> struct type_conversion<std::optional<T>> {
    using base_type = typename type_conversion<T>::base_type;
    static void from_base(const base_type& value, indicator state, std::optional<T>& out) {
        if (state == i_null) {
            out.reset();
        } else {
            type_conversion<T>::from_base(value, state, out.emplace());
        }
    }
    static void to_base(const std::optional<T>& in, base_type& value, indicator& state) {
        state = i_null;
        if (in) type_conversion<T>::to_base(*in, value, state);
    }
};

}  // namespace soci

namespace drover {

/// How the columns of a result fill a Row; a Row of several columns is a tuple.
template <typename Row> struct Columns {
    static void bind(soci::statement& statement, Row& row) { statement.exchange(soci::into(row)); }
};
template <typename... Parts> struct Columns<std::tuple<Parts...>> {
    static void bind(soci::statement& statement, std::tuple<Parts...>& row) {
        std::apply([&](auto&... part) { (statement.exchange(soci::into(part)), ...); }, row);
    }
};

/// Makes `statement` ready to be run. The values must outlive it; each run takes them as they are then.
template <typename... Values>
void prepare(soci::statement& statement, const std::string& query, const Values&... values) {
    (statement.exchange(soci::use(values)), ...);
    statement.alloc();
    statement.prepare(query);
    statement.define_and_bind();
}

/// Calls `take(const Row&)` with each row of a query.
template <typename Row, typename Take, typename... Values>
void each(soci::session& sql, Take&& take, const std::string& query, const Values&... values) {
    Row row{};
    soci::statement statement(sql);
    Columns<Row>::bind(statement, row);
    prepare(statement, query, values...);
    statement.execute();
    while (statement.fetch()) take(std::as_const(row));
}

/// All rows of a query.
template <typename Row, typename... Values>
std::vector<Row> rows(soci::session& sql, const std::string& query, const Values&... values) {
    std::vector<Row> result;
    each<Row>(
        sql, [&](const Row& row) { result.push_back(row); }, query, values...);
    return result;
}

/// The first row of a query, or of what a statement with RETURNING wrote; none when there is none.
template <typename Row, typename... Values>
std::optional<Row> first(soci::session& sql, const std::string& query, const Values&... values) {
    Row row{};
    soci::statement statement(sql);
    Columns<Row>::bind(statement, row);
    prepare(statement, query, values...);
    if (!statement.execute(true)) return std::nullopt;
    return row;
}

/// Runs a statement and returns how many rows it wrote.
template <typename... Values> long long write(soci::session& sql, const std::string& query, const Values&... values) {
    soci::statement statement(sql);
    prepare(statement, query, values...);
    statement.execute(true);
    return statement.get_affected_rows();
}

}  // namespace drover
