#include "model/failpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <csignal>

#include "model/error.hpp"

namespace drover {
namespace {

constexpr std::array<std::string_view, 69> names{
    // The engine, whatever the step: it was chosen; its effects are there; they are committed. What is seen corrected
    // a row.
    "step.chosen", "step.done", "step.committed", "correction.committed",
    // Between two effects of one step.
    "build.overlay", "build.defined", "start.defined", "start.named", "start.lent", "start.forked", "identify.key",
    "retire.off", "retire.undefined", "retire.unnamed", "retire.kept", "retire.emptied", "park.suspended",
    "adopt.resumed", "adopt.told",
    // Each commit: all is written and nothing committed; committed and nobody told.
    "commit.request.before", "commit.request.after", "commit.change.before", "commit.change.after",
    "commit.step.before", "commit.step.after", "commit.owner.before", "commit.owner.after", "commit.operation.before",
    "commit.operation.after", "commit.image.before", "commit.image.after", "commit.copy.before", "commit.copy.after",
    "commit.lease.before", "commit.lease.after", "commit.pool.before", "commit.pool.after", "commit.health.before",
    "commit.health.after", "commit.opening.before", "commit.opening.after", "commit.event.before", "commit.event.after",
    "commit.note.before", "commit.note.after", "commit.migration.before", "commit.migration.after",
    // A version is in its place and nobody gets it yet; one is gone and the registry does not know; a copy of the
    // registry is made and not handed out; a network is defined, and
    // perhaps does not run yet; it is there.
    "image.built", "image.removed", "backup.copied", "network.defined", "network.ensured",
    // A copy of an overlay is whole and not in its place; one is gone and the registry does not know; a step at the end
    // of a lease was taken and is not noted; a hook was told and that is not noted.
    "copy.made", "copy.removed", "lease.taken", "hook.told",
    // A port of a guest is open and nobody was told; it is closed, or open for longer, and the registry does not know,
    // or nobody was told.
    "opening.opened", "opening.closed", "opening.extended",
    // A guest was told to do something once; it said that it has, and that is not written.
    "act.told", "act.done", "commit.act.before", "commit.act.after",
    // A template: its folder is there and nothing in it; it runs; it is frozen; its disk is a prototype; it was tried;
    // it is in its place and nobody forks from it yet.
    "template.begun", "template.booted", "template.frozen", "template.disk", "template.tried", "template.made"};

/// Written before other threads begin, but for the count.
struct Armed {
    std::string_view name;
    std::atomic<long> passings_left = 0;
};
Armed armed;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): a process has one

}  // namespace

std::span<const std::string_view> failpoint_names() { return names; }

void arm_failpoint(std::string_view text) {
    const auto colon = std::min(text.find(':'), text.size());
    const auto* known = std::find(names.begin(), names.end(), text.substr(0, colon));
    long k = 1;
    if (colon < text.size()) {
        const auto number = text.substr(colon + 1);
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), k);
        if (error != std::errc() || end != number.data() + number.size()) k = 0;
    }
    if (known == names.end() || k < 1)
        throw Error(ErrorKind::usage, fmt::format("'{}' is no failpoint", text),
                    "NAME or NAME:K, K from 1; droverd --list-failpoints prints the names");
    armed.passings_left = k;
    armed.name = *known;
}

void failpoint(std::string_view name, std::string_view moment) {
    if (armed.name.size() != name.size() + moment.size() || !armed.name.starts_with(name) ||
        !armed.name.ends_with(moment))
        return;
    if (--armed.passings_left == 0) std::raise(SIGKILL);  // NOLINT(cert-err33-c): it does not return
}

}  // namespace drover
