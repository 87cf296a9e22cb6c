#include "model/wave_policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <vector>

#include "model/error.hpp"
#include "model/words.hpp"

namespace drover {
namespace {

constexpr Words<WaveClass, all_wave_classes.size()> classes{"class of a wave", {"stop", "start", "upgrade", "refill"}};
constexpr int most_guests = 100'000;
constexpr Duration longest = std::chrono::hours(24);
constexpr std::string_view example = "like adaptive, 15/30s, in_flight=8 or several with commas between";

[[noreturn]] void refuse(std::string_view word, const std::string& expected) {
    throw Error(ErrorKind::usage, fmt::format("'{}' in a wave policy, expected {}", word, expected),
                std::string(example));
}

int read_number(std::string_view word, std::string_view text, int least, int most) {
    int number = 0;
    const auto* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != end || number < least || number > most) {
        refuse(word, fmt::format("a whole number from {} to {}", least, most));
    }
    return number;
}

int read_percent(std::string_view word, std::string_view text) {
    if (!text.ends_with('%')) refuse(word, "a whole number of percent with % behind");
    text.remove_suffix(1);
    return read_number(word, text, 0, 100);
}

Duration read_duration(std::string_view word, std::string_view text, Duration least) {
    const Duration duration = parse_duration(text);
    if (duration < least || duration > longest) {
        refuse(word, fmt::format("a duration from {} to {}", to_text(least), to_text(longest)));
    }
    return duration;
}

/// The two sides of the first '/', of which there must be one.
std::pair<std::string_view, std::string_view> halves(std::string_view word, std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) refuse(word, "two values with / between");
    return {text.substr(0, slash), text.substr(slash + 1)};
}

/// A word NAME=VALUE.
struct Option {
    std::string_view name;
    void (*read)(WavePolicy& policy, std::string_view word, std::string_view value);
};

const Option options[] = {
    {"in_flight", [](auto& p, auto word, auto value) { p.in_flight = read_number(word, value, 1, most_guests); }},
    {"per_host", [](auto& p, auto word, auto value) { p.per_host = read_number(word, value, 1, most_guests); }},
    {"jitter", [](auto& p, auto word, auto value) { p.jitter = read_duration(word, value, Duration(0)); }},
    {"memory_some", [](auto& p, auto word, auto value) { p.brakes.memory_some = read_percent(word, value); }},
    {"memory_full", [](auto& p, auto word, auto value) { p.brakes.memory_full = read_percent(word, value); }},
    {"io_some", [](auto& p, auto word, auto value) { p.brakes.io_some = read_percent(word, value); }},
    {"io_full", [](auto& p, auto word, auto value) { p.brakes.io_full = read_percent(word, value); }},
    {"free_memory", [](auto& p, auto /*word*/, auto value) { p.brakes.free_memory = parse_size(value); }},
    {"free_disk", [](auto& p, auto /*word*/, auto value) { p.brakes.free_disk = parse_size(value); }},
    {"stop_on",
     [](auto& p, auto word, auto value) {
         const auto [percent, first] = halves(word, value);
         p.stop_on = {read_percent(word, percent), read_number(word, first, 1, most_guests)};
     }},
};

void read_option(WavePolicy& policy, std::string_view word, std::string_view name, std::string_view value) {
    const auto* option = std::find_if(std::begin(options), std::end(options), [&](auto& o) { return o.name == name; });
    if (option == std::end(options)) {
        std::vector<std::string_view> names{"adaptive", "SIZE/INTERVAL"};
        for (const Option& known : options) names.push_back(known.name);
        refuse(word, fmt::format("one of: {}", fmt::join(names, ", ")));
    }
    option->read(policy, word, value);
}

/// Reads one word and returns what it sets, so that none is set twice.
std::string_view read_word(WavePolicy& policy, std::string_view word) {
    if (word == "adaptive") return word;
    const auto sign = word.find('=');
    if (sign != std::string_view::npos) {
        read_option(policy, word, word.substr(0, sign), word.substr(sign + 1));
        return word.substr(0, sign);
    }
    if (word.find('/') == std::string_view::npos) read_option(policy, word, word, "");
    const auto [size, interval] = halves(word, word);
    policy.size = read_number(word, size, 1, most_guests);
    policy.interval = read_duration(word, interval, std::chrono::milliseconds(1));
    return "SIZE/INTERVAL";
}

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    for (std::size_t begin = 0; begin <= text.size();) {
        const auto end = std::min(text.find(',', begin), text.size());
        words.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return words;
}

bool limits(const WavePolicy& policy) {
    return policy.adaptive || policy.size || policy.in_flight || policy.per_host || policy.jitter > Duration(0) ||
           policy.stop_on || policy.brakes != Brakes{};
}

std::string size_text(long long bytes) {
    for (const auto& [unit, shift] : {std::pair{"GiB", 30}, {"MiB", 20}, {"KiB", 10}}) {
        if (bytes > 0 && bytes % (1LL << shift) == 0) return fmt::format("{}{}", bytes >> shift, unit);
    }
    return std::to_string(bytes);
}

/// Those that are not as usual.
void add_brakes(std::vector<std::string>& words, const Brakes& brakes, const Brakes& usual) {
    const auto percent = [&](std::string_view name, std::optional<int> Brakes::*brake) {
        if (brakes.*brake && brakes.*brake != usual.*brake) {
            words.push_back(fmt::format("{}={}%", name, *(brakes.*brake)));
        }
    };
    const auto bytes = [&](std::string_view name, std::optional<long long> Brakes::*brake) {
        if (brakes.*brake && brakes.*brake != usual.*brake) {
            words.push_back(fmt::format("{}={}", name, size_text(*(brakes.*brake))));
        }
    };
    percent("memory_some", &Brakes::memory_some);
    percent("memory_full", &Brakes::memory_full);
    percent("io_some", &Brakes::io_some);
    percent("io_full", &Brakes::io_full);
    bytes("free_memory", &Brakes::free_memory);
    bytes("free_disk", &Brakes::free_disk);
}

}  // namespace

std::string_view to_text(WaveClass wave) { return classes.text(wave); }

const WavePolicy& WavePolicies::of(WaveClass wave) const {
    switch (wave) {
        case WaveClass::stop: return stop;
        case WaveClass::start: return start;
        case WaveClass::upgrade: return upgrade;
        case WaveClass::refill: return refill;
    }
    return start;
}

WavePolicy parse_wave_policy(std::string_view text) {
    const auto words = words_of(text);
    WavePolicy policy;
    policy.adaptive = std::find(words.begin(), words.end(), "adaptive") != words.end();
    if (!policy.adaptive) policy.brakes = {};
    std::set<std::string_view> set;
    for (const std::string_view word : words) {
        if (!set.insert(read_word(policy, word)).second) refuse(word, "each limit once");
    }
    if (!limits(policy)) refuse(text, "a limit");
    if (policy.size && policy.jitter > policy.interval) refuse(text, "a jitter no longer than the interval");
    return policy;
}

std::string to_text(const WavePolicy& policy) {
    std::vector<std::string> words;
    if (policy.adaptive) words.emplace_back("adaptive");
    if (policy.size) words.push_back(fmt::format("{}/{}", *policy.size, to_text(policy.interval)));
    if (policy.in_flight) words.push_back(fmt::format("in_flight={}", *policy.in_flight));
    if (policy.per_host) words.push_back(fmt::format("per_host={}", *policy.per_host));
    if (policy.jitter > Duration(0)) words.push_back(fmt::format("jitter={}", to_text(policy.jitter)));
    add_brakes(words, policy.brakes, policy.adaptive ? WavePolicy{}.brakes : Brakes{});
    if (policy.stop_on) words.push_back(fmt::format("stop_on={}%/{}", policy.stop_on->percent, policy.stop_on->first));
    return fmt::format("{}", fmt::join(words, ","));
}

}  // namespace drover
