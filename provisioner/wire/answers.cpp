#include "wire/fields.hpp"

namespace drover::wire {
namespace {

constexpr long long any_number = 1LL << 62;
constexpr std::size_t any_length = 1U << 24;

/// Operations keep their arguments as JSON text; anything else in there is shown as it is.
Json arguments_of(const Operation& operation) {
    if (operation.arguments.empty()) return Json::object();
    Json parsed = Json::parse(operation.arguments, nullptr, false);
    return parsed.is_discarded() ? Json(operation.arguments) : parsed;
}

Json time_or_null(const std::optional<Time>& time) { return time ? Json(to_rfc3339(*time)) : Json(nullptr); }

Json seconds_or_null(const std::optional<Duration>& duration) {
    return duration ? Json(static_cast<double>(duration->count()) / 1000) : Json(nullptr);
}

std::optional<Duration> read_seconds(Fields& fields, const std::string& name) {
    const Json* value = fields.any(name);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    return Duration(static_cast<Duration::rep>(value->get<double>() * 1000));
}

Json encode_item(const Item& item, Time created) {
    const auto since = [&](const std::optional<Time>& time) {
        return seconds_or_null(time ? std::optional<Duration>(*time - created) : std::nullopt);
    };
    return {{"name", item.name},
            {"outcome", item.outcome},
            {"phase", to_text(item.phase)},
            {"reason", text_or_null(item.reason)},
            {"begun", since(item.begun)},
            {"ended", since(item.ended)}};
}

std::string text_if_any(Fields& fields, const std::string& name) {
    const Json* value = fields.any(name);
    return value == nullptr || value->is_null() ? "" : fields.need_text(name, any_length);
}

Item decode_item(const Json& json, Time created) {
    Fields fields(json, "the item");
    Item item;
    item.name = fields.need_text("name");
    item.outcome = fields.need_text("outcome");
    item.phase = parse_phase(fields.need_text("phase"));
    item.reason = text_if_any(fields, "reason");
    if (const auto begun = read_seconds(fields, "begun")) item.begun = created + *begun;
    if (const auto ended = read_seconds(fields, "ended")) item.ended = created + *ended;
    return item;
}

Operation read_operation(const Json& json) {
    Fields fields(json, "the operation");
    Operation result;
    result.id = parse_operation_name(fields.need_text("id"));
    result.who = fields.need_text("who");
    result.verb = fields.need_text("verb");
    if (const Json* arguments = fields.any("arguments")) result.arguments = dump(*arguments);
    result.created = parse_rfc3339(fields.need_text("created"));
    if (auto finished = text_if_any(fields, "finished"); !finished.empty()) result.finished = parse_rfc3339(finished);
    result.outcome = fields.need_text("outcome");
    result.done = fields.need_number("done", 0, any_number);
    result.total = fields.need_number("total", 0, any_number);
    result.message = text_if_any(fields, "message");
    result.wave = text_if_any(fields, "wave");
    result.paused = fields.flag("paused").value_or(false);
    if (const Json* items = fields.any("items")) {
        for (const auto& item : *items) result.items.push_back(decode_item(item, result.created));
    }
    return result;
}

Json encode_template(const TemplateRow& row) {
    return {{"profile", row.profile},
            {"fork_point", row.fork_point},
            {"state", row.state},
            {"made", time_or_null(row.made)},
            {"took", static_cast<double>(row.took.count()) / 1000},
            {"bytes", row.bytes},
            {"reason", text_or_null(row.reason)}};
}

}  // namespace

Json operation_listing(const Operation& operation) {
    return {{"id", operation_name(operation.id)},
            {"who", operation.who},
            {"verb", operation.verb},
            {"arguments", arguments_of(operation)},
            {"created", to_rfc3339(operation.created)},
            {"finished", time_or_null(operation.finished)},
            {"outcome", operation.outcome},
            {"done", operation.done},
            {"total", operation.total},
            {"message", text_or_null(operation.message)},
            {"wave", text_or_null(operation.wave)},
            {"paused", operation.paused}};
}

Json operation_with_items(const Operation& operation) {
    Json result = operation_listing(operation);
    Json& items = result["items"] = Json::array();
    for (const auto& item : operation.items) items.push_back(encode_item(item, operation.created));
    return result;
}

Json with_outlook(Json operation, const Outlook& outlook) {
    operation["waits_for"] = text_or_null(outlook.waits_for);
    operation["ends_in"] = seconds_or_null(outlook.ends_in);
    return operation;
}

Outlook decode_outlook(const Json& answer) {
    return of_answer([&] {
        Fields fields(answer, "the operation");
        return Outlook{text_if_any(fields, "waits_for"), read_seconds(fields, "ends_in")};
    });
}

namespace {

Json encode(const std::vector<Shadow>& shadows) {
    Json result = Json::array();
    for (const auto& [path, how] : shadows) result.push_back({{"path", path}, {"how", to_text(how)}});
    return result;
}

}  // namespace

Json encode(const ShadowRow& row) {
    Json result{{"name", row.name},
                {"from", text_or_null(row.from)},
                {"to", text_or_null(row.to)},
                {"asked", row.asked},
                {"left_out", row.left_out},
                {"shadows", encode(row.sight.shadows)},
                {"unknown", text_or_null(row.sight.unknown)}};
    return result;
}

Json encode(const Plan& plan) {
    Json result{{"verb", to_text(plan.verb)}, {"guests", Json::array()}, {"ends_in", seconds_or_null(plan.ends_in)}};
    for (const auto& [name, begin, end, shadows] : plan.guests) {
        Json guest{{"name", name}, {"begin", seconds_or_null(begin)}, {"end", seconds_or_null(end)}};
        if (shadows) {
            guest["shadows"] = shadows->unknown.empty() ? encode(shadows->shadows) : Json(nullptr);
            guest["unknown"] = text_or_null(shadows->unknown);
        }
        result["guests"].push_back(guest);
    }
    return result;
}

Operation decode_operation(const Json& answer) {
    return of_answer([&] { return read_operation(answer); });
}

Json encode(const Event& event) {
    return {{"id", event.id},
            {"time", to_rfc3339(event.time)},
            {"kind", event.kind},
            {"guest", text_or_null(event.guest)},
            {"operation", event.operation ? Json(operation_name(*event.operation)) : Json(nullptr)},
            {"message", event.message}};
}

Json encode(const Owner& owner) {
    return {{"name", owner.name},
            {"login", owner.login ? Json(*owner.login) : Json(nullptr)},
            {"quota", owner.quota},
            {"guests", owner.guests},
            {"keys", owner.keys}};
}

Json encode(const ImageRow& row) {
    Json templates = Json::array();
    for (const TemplateRow& one : row.templates) templates.push_back(encode_template(one));
    return {{"image", row.image},
            {"version", text_or_null(row.version)},
            {"current", row.current},
            {"built", time_or_null(row.built)},
            {"promoted", time_or_null(row.promoted)},
            {"guests", row.guests},
            {"bytes", row.bytes},
            {"templates", templates}};
}

Json encode(const Verification& verification) {
    return {{"image", verification.image},
            {"version", verification.version},
            {"damaged", text_or_null(verification.damaged.value_or(""))}};
}

Json encode(const Differences& differences) {
    Json packages = Json::array(), files = Json::array();
    for (const auto& [name, from, to] : differences.packages)
        packages.push_back({{"name", name}, {"from", text_or_null(from)}, {"to", text_or_null(to)}});
    for (const auto& [path, change] : differences.files) files.push_back({{"path", path}, {"change", change}});
    return {{"from", differences.from}, {"to", differences.to}, {"packages", packages}, {"files", files}};
}

Json encode(const Finding& finding) {
    return {{"kind", finding.kind},
            {"object", finding.object},
            {"guest", text_or_null(finding.guest)},
            {"detail", finding.detail},
            {"repair", finding.repair}};
}

Json encode(const Host& host) {
    return {{"mode", host.stopped ? "stopped" : "running"},
            {"guests_up", host.guests_up},
            {"force_in", seconds_or_null(host.force_in)}};
}

Json encode(const Diagnosis& diagnosis) {
    return {{"check", diagnosis.check},
            {"level", to_text(diagnosis.level)},
            {"message", diagnosis.message},
            {"mend", diagnosis.mend}};
}

Json encode(const Diagnoses& diagnoses) {
    Json result = Json::array();
    for (const auto& diagnosis : diagnoses) result.push_back(encode(diagnosis));
    return result;
}

Json encode(const PoolState& state) {
    const Pool& pool = state.pool;
    Json schedule = Json::array();
    for (const ScheduleEntry& entry : pool.targets.schedule) schedule.push_back(to_text(entry));
    return {{"image", pool.key.image},
            {"profile", pool.key.profile},
            {"kind", to_text(pool.key.kind)},
            {"stopped", {{"have", state.levels.stopped}, {"target", pool.targets.stopped}}},
            {"parked", {{"have", state.levels.parked}, {"target", state.parked_target}}},
            {"making", state.levels.making},
            {"outdated", state.levels.outdated},
            {"leaving", state.levels.leaving},
            {"fixed", pool.targets.parked},
            {"schedule", schedule},
            {"demand", pool.targets.demand ? Json(*pool.targets.demand) : Json(nullptr)},
            {"draining", pool.draining},
            {"made", pool.made},
            {"taken", pool.taken},
            {"per_minute", state.per_minute},
            {"failures", pool.failures},
            {"trouble", text_or_null(state.trouble)},
            {"retry_in", seconds_or_null(state.retry_in)}};
}

Json encode(const Status& status) {
    return {{"instance", status.instance},
            {"version", status.version},
            {"registry", status.registry},
            {"subnet", status.subnet},
            {"accelerator", status.accelerator}};
}

}  // namespace drover::wire
