#include "network/firewall.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "model/error.hpp"
#include "model/names.hpp"

namespace drover {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr Duration tick = 1s;
constexpr int ticks_between_marks = 30;
constexpr auto between_looks = 30s;  // at all elements; and at least this many times as long as a look takes
constexpr int share_of_looks = 30;
constexpr Duration slack = 3s;  // of a timer: what is so near its end may be there or not

using Elements = std::vector<Element>;

bool is_same(const Element& a, const Element& b) {
    return a.family == b.family && a.set == b.set && a.key == b.key && a.value == b.value;
}

Elements without(const Elements& these, const Elements& those) {
    Elements rest;
    for (const Element& element : these)
        if (std::none_of(those.begin(), those.end(), [&](const Element& it) { return is_same(it, element); }))
            rest.push_back(element);
    return rest;
}

void append(Elements& to, const Elements& more) { to.insert(to.end(), more.begin(), more.end()); }

/// Protocols by number: which names nft knows depends on the host.
std::string by_number(std::string text) {
    for (const auto& [name, number] : {std::pair{"tcp", "6"}, std::pair{"udp", "17"}})
        if (const auto at = text.find(name); at != std::string::npos) text.replace(at, 3, number);
    return text;
}

Duration until(Clock::time_point when) { return std::chrono::duration_cast<Duration>(when - Clock::now()); }

/// Nothing of it is let through once its domain is gone for good, while the rest of it goes.
bool has_line(const Guest& guest) {
    const bool is_off = guest.phase == Phase::reserved || guest.phase == Phase::stopped;
    return guest.phase != Phase::gone && !(is_off && guest.desired == Desired::gone);
}

/// What differs between the elements that should be in the sets of a table and those that are.
std::string difference(const std::map<std::string, std::map<std::string, Listing::Entry>>& expected,
                       const Listing& listing) {
    const auto is_ending = [](const Listing::Entry& entry) { return entry.left && *entry.left <= slack; };
    long long missing = 0, foreign = 0, other = 0;
    for (const auto& [set, entries] : listing.sets) {
        std::map<std::string, Listing::Entry> there;
        for (const auto& [key, entry] : entries) there[by_number(key)] = entry;
        const auto wanted = expected.find(set);
        const std::map<std::string, Listing::Entry> none;
        const auto& want = wanted == expected.end() ? none : wanted->second;
        for (const auto& [key, entry] : there) foreign += !want.contains(key) && !is_ending(entry) ? 1 : 0;
        for (const auto& [key, entry] : want) {
            const auto found = there.find(key);
            if (found == there.end()) {
                missing += is_ending(entry) ? 0 : 1;
                continue;
            }
            const bool is_timed = entry.left.has_value() && found->second.left.has_value();
            const bool same_time = is_timed ? std::chrono::abs(*entry.left - *found->second.left) <= slack
                                            : entry.left.has_value() == found->second.left.has_value();
            other += same_time && entry.value == found->second.value ? 0 : 1;
        }
    }
    if (missing + foreign + other == 0) return "";
    return fmt::format("{} elements were missing, {} were nobody's, {} were changed", missing, foreign, other);
}

}  // namespace

Firewall::Firewall(FirewallPlan plan, Registry& registry) : plan_(std::move(plan)), registry_(registry) {}

Nftables& Firewall::nft(Applied& applied) {
    if (!applied.nft) applied.nft.emplace();
    return *applied.nft;
}

GuestLine Firewall::line_of(Applied& applied, const Guest& guest) const {
    return {.device = device_name(plan_.instance, guest.id),
            .mac = mac_of(guest.id),
            .address = guest.address,
            .address6 = plan_.networks.address6(guest.network, guest.address),
            .circle = circle_of(applied, guest)};
}

/// All of a network, all of an owner in it, or nobody. A number is told once and never anew while this runs.
std::uint32_t Firewall::circle_of(Applied& applied, const Guest& guest) const {
    const Network* network = plan_.networks.find(guest.network);
    if (network == nullptr || network->guests == GuestTraffic::none) return 0;
    if (network->guests == GuestTraffic::same_owner && !guest.owner) return 0;
    const auto name = network->guests == GuestTraffic::open ? network->name : network->name + "/" + *guest.owner;
    const auto next = static_cast<std::uint32_t>(applied.circles.size() + 1);
    return applied.circles.try_emplace(name, next).first->second;
}

void Firewall::ensure() {
    auto applied = applied_.lock();
    if (!applied->made) remake(*applied);
}

/// One transaction: nobody ever sees tables without their elements.
void Firewall::remake(Applied& applied) {
    applied.made = false;
    registry_.openings.start_anew();
    applied.lines.clear();
    applied.doors.clear();
    Elements all;
    std::map<GuestId, GuestLine> lines;
    for (const Guest& guest : registry_.guests.list({}, std::nullopt)) {
        if (!has_line(guest)) continue;
        const auto& line = lines.emplace(guest.id, line_of(applied, guest)).first->second;
        append(all, applied.lines[guest.id] = elements_of(line));
    }
    for (const Opening& opening : registry_.openings.list({}, std::nullopt)) {
        const auto line = lines.find(opening.guest);
        if (line == lines.end()) continue;
        Door door{opening.guest, elements_of(opening, line->second), Clock::now() + opening.left};
        append(all, door.elements);
        applied.doors[opening.id] = std::move(door);
    }
    nft(applied).run(tables_text(plan_) + add_text(plan_.instance, all));
    const auto name = table_name(plan_.instance);
    applied.handles = parse_tables(nft(applied).list("tables"), name);
    applied.rules.clear();
    for (const auto& [family, handle] : applied.handles)
        applied.rules[family] = parse_listing(nft(applied).list(fmt::format("table {} {}", family, name))).rules;
    applied.made = true;
}

void Firewall::sync(GuestId guest) {
    std::string trouble;
    {
        auto applied = applied_.lock();
        try {
            if (applied->made) return follow(*applied, guest);
        } catch (const Error& error) {
            trouble = error.what();
        }
        remake(*applied);
    }
    if (!trouble.empty())
        tell("the rules of the guests' networks were not as they should be, and are made anew: " + trouble);
}

void Firewall::follow(Applied& applied, GuestId id) {
    const auto guest = registry_.guests.get(id);
    const bool is_there = guest && has_line(*guest);
    Elements line, gone, come;
    std::map<long long, Door> doors;
    if (is_there) {
        const GuestLine its = line_of(applied, *guest);
        line = elements_of(its);
        for (const Opening& opening : registry_.openings.of(id))
            doors[opening.id] = {id, elements_of(opening, its), Clock::now() + opening.left};
    }
    const auto before = applied.lines.find(id);
    const Elements old = before == applied.lines.end() ? Elements{} : before->second;
    append(gone, without(old, line));
    append(come, without(line, old));
    std::vector<long long> shut;
    for (const auto& [number, door] : applied.doors) {
        if (door.guest != id) continue;
        const auto wanted = doors.find(number);
        const bool stays = wanted != doors.end() && without(door.elements, wanted->second.elements).empty() &&
                           std::chrono::abs(wanted->second.closes - door.closes) <= 1s;
        if (stays) {
            doors.erase(number);
        } else {
            append(gone, door.elements);
            shut.push_back(number);
        }
    }
    for (const auto& [number, door] : doors) append(come, door.elements);
    if (gone.empty() && come.empty()) return;
    nft(applied).run(remove_text(plan_.instance, gone) + add_text(plan_.instance, come));
    for (const auto number : shut) applied.doors.erase(number);
    applied.doors.merge(doors);
    if (is_there)
        applied.lines[id] = std::move(line);
    else
        applied.lines.erase(id);
}

void Firewall::shut(const Opening& opening) {
    auto applied = applied_.lock();
    if (!applied->made) remake(*applied);
    const auto door = applied->doors.find(opening.id);
    if (door == applied->doors.end()) return;
    nft(*applied).run(remove_text(plan_.instance, door->second.elements));
    applied->doors.erase(door);
}

void Firewall::start() {
    rounds_.start("firewall", 0, [this] {
        round();
        return tick;
    });
}

void Firewall::round() {
    const bool is_mark = ticks_++ % ticks_between_marks == 0;
    try {
        ensure();
        end_what_is_over(is_mark);
        put_right();
        if (is_mark) follow_the_registry(*applied_.lock());
        trouble_.clear();
    } catch (const std::exception& error) {
        if (std::exchange(trouble_, error.what()) == error.what()) return;
        spdlog::error("firewall: {}", error.what());
        tell(fmt::format("the rules of the guests' networks cannot be looked after: {}", error.what()));
    }
}

/// The kernel has closed it by then; unless its clock stood still, as while the machine slept. `mark`: how much time
/// has passed is written down, so that a reboot gives back little of it.
void Firewall::end_what_is_over(bool mark) {
    const auto over = registry_.openings.over();
    for (const Opening& opening : over) shut(opening);
    if (over.empty() && (!mark || applied_.lock()->doors.empty())) return;
    registry_.openings.end(over);
    for (const Opening& opening : over) sync(opening.guest);
}

/// Nothing is wrong while nobody else has changed any rules: so a herd at rest costs nothing.
void Firewall::put_right() {
    std::string wrong;
    {
        auto applied = applied_.lock();
        doubted_ = nft(*applied).others_changed() || doubted_;
        if (doubted_) wrong = wrong_table(*applied);
        if (const auto begin = Clock::now(); wrong.empty() && doubted_ && begin >= next_look_) {
            wrong = wrong_elements(*applied);
            next_look_ = begin + std::max<Clock::duration>(between_looks, share_of_looks * (Clock::now() - begin));
            doubted_ = false;
        }
        if (!wrong.empty()) remake(*applied);
    }
    if (!wrong.empty()) tell(wrong + ": made anew");
}

/// What no call has told of.
void Firewall::follow_the_registry(Applied& applied) {
    std::vector<GuestId> others;
    std::map<GuestId, bool> known;
    for (const Guest& guest : registry_.guests.list({}, std::nullopt)) {
        if (!has_line(guest)) continue;
        known[guest.id] = true;
        const auto line = applied.lines.find(guest.id);
        const Elements wanted = elements_of(line_of(applied, guest));
        const bool same = line != applied.lines.end() && wanted.size() == line->second.size() &&
                          without(wanted, line->second).empty();
        if (!same) others.push_back(guest.id);
    }
    for (const auto& [id, line] : applied.lines)
        if (!known.contains(id)) others.push_back(id);
    const auto open = registry_.openings.list({}, std::nullopt);
    for (const Opening& opening : open)
        if (const auto door = applied.doors.find(opening.id);
            door == applied.doors.end() || std::chrono::abs(until(door->second.closes) - opening.left) > slack)
            others.push_back(opening.guest);
    for (const auto& [number, door] : applied.doors)
        if (std::none_of(open.begin(), open.end(), [id = number](const Opening& it) { return it.id == id; }))
            others.push_back(door.guest);
    for (const auto id : others) follow(applied, id);
}

std::string Firewall::wrong_table(Applied& applied) const {
    const auto name = table_name(plan_.instance);
    const auto handles = parse_tables(nft(applied).list("tables"), name);
    for (const auto& [family, handle] : applied.handles) {
        const auto found = handles.find(family);
        if (found == handles.end()) return fmt::format("the nft table {} {} was gone", family, name);
        if (found->second != handle) return fmt::format("the nft table {} {} was another one", family, name);
    }
    return "";
}

std::string Firewall::wrong_elements(Applied& applied) const {
    const auto name = table_name(plan_.instance);
    std::map<std::string, std::map<std::string, std::map<std::string, Listing::Entry>>> expected;
    const auto expect = [&](const Element& element, std::optional<Duration> left) {
        expected[element.family][element.set][by_number(element.key)] = {element.value, left};
    };
    for (const auto& [id, line] : applied.lines)
        for (const Element& element : line) expect(element, std::nullopt);
    for (const auto& [number, door] : applied.doors)
        for (const Element& element : door.elements) expect(element, until(door.closes));
    for (const auto& [family, handle] : applied.handles) {
        const auto listing = parse_listing(nft(applied).list(fmt::format("table {} {}", family, name)));
        if (listing.rules != applied.rules.at(family))
            return fmt::format("somebody changed the rules of the nft table {} {}", family, name);
        if (const auto wrong = difference(expected[family], listing); !wrong.empty())
            return fmt::format("in the nft table {} {} {}", family, name, wrong);
    }
    return "";
}

/// The same not more often than once a minute: who fights us over the tables does not fill the log.
void Firewall::tell(const std::string& message) {
    spdlog::warn("{}", message);
    const auto now = Clock::now();
    {
        auto told = told_.lock();
        std::erase_if(*told, [&](const auto& entry) { return now - entry.second > 1min; });
        if (!told->try_emplace(message, now).second) return;
    }
    registry_.events.add("network", "", std::nullopt, message);
}

}  // namespace drover
