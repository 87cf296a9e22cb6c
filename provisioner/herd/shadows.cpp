#include "herd/shadows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "storage/root_diff.hpp"

namespace drover {
namespace {

constexpr Duration patience = std::chrono::seconds(10);
constexpr int most_asking = 8;  ///< of the threads that serve callers; the others serve on
constexpr std::size_t most_comparisons = 32;
constexpr std::size_t most_named = 5;

/// Asked for whether they differ or not: the root's package manager knows nothing of what is installed past it.
constexpr const char* package_records[] = {"/var/lib/dpkg", "/var/lib/dpkg/status"};

class Slot {
  public:
    explicit Slot(std::atomic<int>& taken) : taken_(taken), got_(++taken <= most_asking) {}
    ~Slot() { --taken_; }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    explicit operator bool() const { return got_; }

  private:
    std::atomic<int>& taken_;
    bool got_;
};

std::vector<std::string> own_paths(const Profile& profile) {
    auto paths = profile.persistent;
    paths.insert(paths.end(), profile.merged.begin(), profile.merged.end());
    return paths;
}

std::vector<std::string> records_below(const std::vector<std::string>& paths) {
    std::vector<std::string> records;
    for (const std::string record : package_records)
        if (std::any_of(paths.begin(), paths.end(), [&](const auto& path) { return record.starts_with(path + "/"); }))
            records.push_back(record);
    return records;
}

const PathChange& change_at(const ShadowReport& report, const std::string& path) {
    return *std::find_if(report.paths->begin(), report.paths->end(), [&](const auto& one) { return one.path == path; });
}

void take_answer(ShadowReport& report, Questions::Answer answer) {
    report.unknown = std::move(answer.trouble);
    report.shadows = std::move(answer.shadows);
    std::erase_if(report.shadows, [&](const Shadow& shadow) {
        const auto& change = change_at(report, shadow.path);
        return !shadow.made_by_user() && change.was == change.is;  // nothing new to hide
    });
}

/// What the guest is to give back to the root.
Questions::Paths hidden_paths(const ShadowReport& report) {
    auto paths = std::make_shared<std::vector<PathChange>>();
    for (const Shadow& shadow : report.shadows) paths->push_back(change_at(report, shadow.path));
    return paths;
}

}  // namespace

std::string ShadowReport::summary() const {
    std::vector<std::string> texts;
    for (const Shadow& shadow : shadows)
        if (shadow.made_by_user()) texts.push_back(fmt::format("{} ({})", shadow.path, to_text(shadow.how)));
    const auto more = texts.size() - std::min(texts.size(), most_named);
    texts.resize(texts.size() - more);
    return fmt::format("{}{}", fmt::join(texts, ", "), more == 0 ? "" : fmt::format(" and {} more", more));
}

std::shared_ptr<const Shadows::Comparison> Shadows::compare(const ShadowCase& one) {
    const auto before = roots_.version(one.guest.image, one.from).root;
    const auto after = roots_.version(one.guest.image, one.to).root;
    auto known = known_.lock();  // held: who wants the same need not read the roots, too
    auto& comparison = (*known)[{before, after, one.guest.profile}];
    if (comparison) return comparison;
    const auto own = own_paths(overlays_.profile(one.guest.profile));
    auto changes = changes_below(before, after, own, records_below(own));
    const auto all = changes.size();
    std::erase_if(changes, [](const PathChange& change) { return !Questions::askable(change); });
    changes.resize(std::min(changes.size(), most_questions));
    const auto left_out = all - changes.size();
    const auto result = comparison = std::make_shared<const Comparison>(
        Comparison{std::make_shared<const std::vector<PathChange>>(std::move(changes)), left_out});
    if (known->size() > most_comparisons) known->clear();
    return result;
}

ShadowReport Shadows::prepare(const ShadowCase& one) {
    ShadowReport report{one.guest.id, one.guest.name, one.from, one.to, 0, 0, {}, one.unknown, nullptr};
    if (one.guest.profile == cloud_profile) report.unknown = no_shared_root;
    if (!report.unknown.empty() || one.from.empty() || one.to.empty() || one.from == one.to) return report;
    try {
        const auto comparison = compare(one);
        report.left_out = comparison->left_out;
        report.paths = comparison->changes;
        report.asked = report.paths->size();
    } catch (const std::exception& error) {
        report.unknown = error.what();
    }
    if (report.asked > 0 && one.guest.phase != Phase::ready)
        report.unknown = fmt::format("does not run: it is {}", to_text(one.guest.phase));
    return report;
}

void Shadows::ask(std::vector<ShadowReport>& reports) {
    Questions::PathsByGuest asked;
    for (const ShadowReport& report : reports)
        if (report.unknown.empty() && report.asked > 0) asked.emplace(report.guest, report.paths);
    auto answers = herd_.questions().shadows(asked, patience);
    for (ShadowReport& report : reports)
        if (const auto found = answers.find(report.guest); found != answers.end())
            take_answer(report, std::move(found->second));
}

std::optional<std::vector<ShadowReport>> Shadows::look(const std::vector<ShadowCase>& cases) {
    const Slot slot(asking_);
    if (!slot) return std::nullopt;
    std::vector<ShadowReport> reports;
    reports.reserve(cases.size());
    for (const ShadowCase& one : cases) reports.push_back(prepare(one));
    ask(reports);
    return reports;
}

std::map<GuestId, std::string> Shadows::apply(ShadowPolicy policy, const std::vector<ShadowReport>& reports) {
    std::map<GuestId, std::string> held;
    Questions::PathsByGuest told;
    const auto nothing = std::make_shared<const std::vector<PathChange>>();
    for (const ShadowReport& report : reports) {
        if (policy != ShadowPolicy::warn && !report.unknown.empty())
            held.emplace(report.guest, fmt::format("what it hides is not known: {}", report.unknown));
        else if (policy == ShadowPolicy::hold && !report.summary().empty())
            held.emplace(report.guest, fmt::format("hides what changes: {}", report.summary()));
        else if (report.unknown.empty() && report.asked > 0)
            // Also when it is nothing: then what an upgrade that was cancelled told it is forgotten.
            told.emplace(report.guest, policy == ShadowPolicy::reset_path ? hidden_paths(report) : nothing);
    }
    for (const auto& [guest, answer] : herd_.questions().reset(told, patience))
        if (policy == ShadowPolicy::reset_path && !answer.trouble.empty())
            held.emplace(guest, fmt::format("cannot be told to give back what it hides: {}", answer.trouble));
    return held;
}

void Shadows::tell(OperationId operation, const std::vector<ShadowReport>& reports) {
    for (const ShadowReport& report : reports) {
        const auto shadows = report.summary();
        if (!report.unknown.empty())
            registry_.events.add("shadow", report.name, operation,
                                 fmt::format("what it hides is not known: {}", report.unknown));
        else if (!shadows.empty())
            registry_.events.add("shadow", report.name, operation, fmt::format("hides what changes: {}", shadows));
    }
}

}  // namespace drover
