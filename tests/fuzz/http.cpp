#include <array>

#include "fuzz.hpp"
#include "wire/wire.hpp"

/// What crosses the API's socket: bodies of requests, targets with their queries, and the daemon's answers.
namespace drover::wire {
namespace {

using fuzz::hold;

/// A request that was taken says the same once more when it is written and read again.
template <typename Decode> void body(std::string_view text, Decode decode) {
    const auto request = decode(parse(text));
    hold(decode(parse(dump(encode(request)))) == request, "a request reads as another once it was written");
}

void guest_request(std::string_view text) {
    body(text, [](const Json& json) { return decode_guest_request(json, "key"); });
}
void change(std::string_view text) { body(text, decode_change); }
void owner_change(std::string_view text) {
    body(text, [](const Json& json) { return decode_owner_change("alice", json); });
}
void fsck(std::string_view text) { decode_fsck(parse(text)); }
void idempotency_key(std::string_view text) { check_idempotency_key(text); }

void target(std::string_view text) {
    const auto read = parse_target(text);
    std::string path;
    for (const auto& part : read.path) path += "/" + escape(part);
    const auto again = parse_target((path.empty() ? "/" : path) + query_string(read.parameters));
    hold(again.path == read.path && again.parameters == read.parameters, "a target reads as another once written");
}

void list_query(std::string_view text) {
    const auto query = decode_list_query(parse_target(text).parameters);
    hold(decode_list_query(encode(query)) == query, "a query reads as another once it was written");
}
void event_query(std::string_view text) { decode_event_query(parse_target(text).parameters); }
void operation_wait(std::string_view text) { decode_operation_wait(parse_target(text).parameters); }
void limit(std::string_view text) { decode_limit(parse_target(text).parameters, 100); }
void no_query(std::string_view text) { expect_none(parse_target(text).parameters); }

void reservation(std::string_view text) { decode_reservation(parse_answer(text)); }
void operation(std::string_view text) {
    const auto read = decode_operation(parse_answer(text));
    const auto again = decode_operation(operation_with_items(read));
    hold(again.items.size() == read.items.size() && again.created == read.created, "an operation reads as another");
}
void answer(std::string_view text) { dump_pretty(parse_answer(text)); }
void error(std::string_view text) { dump(encode(decode_error(500, text))); }
void fingerprint(std::string_view text) { key_fingerprint(text); }

constexpr std::array<void (*)(std::string_view), 16> readers{
    guest_request,  change, owner_change, fsck,        idempotency_key, target, list_query, event_query,
    operation_wait, limit,  no_query,     reservation, operation,       answer, error,      fingerprint};

}  // namespace
}  // namespace drover::wire

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const drover::fuzz::Input input(data, size);
    drover::fuzz::may_refuse([&] { drover::wire::readers.at(input.choice)(input.text); });
    return 0;
}
