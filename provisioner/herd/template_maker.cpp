#include "herd/template_maker.hpp"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "herd/renewal.hpp"
#include "herd/template_talk.hpp"
#include "model/at_end.hpp"
#include "model/failpoint.hpp"

namespace drover {
namespace {

template <typename Message> bool is(const control::FromGuest& message) {
    return std::holds_alternative<Message>(message);
}

/// Whether it answers the request n.
bool answers(const control::FromGuest& message, std::uint32_t n) {
    const auto* ok = std::get_if<control::Ok>(&message);
    const auto* err = std::get_if<control::Err>(&message);
    return (ok != nullptr && ok->n == n) || (err != nullptr && err->n == n);
}

/// For the end of a scope; what fails here is done before the next template is made.
template <typename Work> auto quietly(Work work) {
    return [work] {
        try {
            work();
        } catch (const Error&) {
            return;
        }
    };
}

}  // namespace

TemplateMaker::TemplateMaker(const Parts& parts, TemplateStore& store, std::function<void()> pause)
    : parts_(parts), blueprints_(parts), store_(store), pause_(std::move(pause)) {}

WantedTemplate TemplateMaker::wanted(const Guest& guest, const Make& make) const {
    Guest model = guest;
    model.id = template_id;
    model.name = "template";
    model.owner.reset();
    model.keep.clear();
    WantedTemplate wanted{.image = guest.image,
                          .version = make.version,
                          .profile = guest.profile,
                          .fork_point = parts_.roots.version(guest.image, make.version).fork_point,
                          .frame = blueprints_.frame(model, {make.version, 0, 0})};
    wanted.needs = parts_.forks->needs(wanted.frame);
    wanted.needs["version"] = wanted.version;
    wanted.needs["parameters"] = wanted.frame.parameters;
    wanted.needs["prototype"] = parts_.overlays.base(guest.profile, parts_.config.guest.disk);
    wanted.needs["fork point"] = wanted.fork_point;
    wanted.key = template_key(wanted.needs);
    return wanted;
}

void TemplateMaker::end_all() const {
    parts_.domains.force_off(template_id);
    parts_.domains.force_off(trial_id);
}

Template TemplateMaker::make(const WantedTemplate& wanted) const {
    const auto began = std::chrono::steady_clock::now();
    end_all();
    Template draft = store_.begin(wanted.key, wanted.frame.memory);
    const AtEnd remains(quietly([&] { store_.abandon(draft); }));
    failpoint("template.begun");
    draft.image = wanted.image;
    draft.version = wanted.version;
    draft.profile = wanted.profile;
    draft.fork_point = wanted.fork_point;
    draft.needs = wanted.needs;
    boot_and_freeze(wanted, draft);
    try_out(wanted, draft);
    failpoint("template.tried");
    draft.made = now();
    draft.took = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began);
    return store_.finish(draft);
}

void TemplateMaker::boot_and_freeze(const WantedTemplate& wanted, Template& draft) const {
    DomainSpec spec = wanted.frame;
    spec.parameters += " drover.template=" + wanted.fork_point;
    const auto disk = draft.folder + "/disk.qcow2";
    const auto place = parts_.overlays.create_at(disk, wanted.profile, parts_.config.guest.disk);
    spec.overlay = place.overlay;
    spec.prototype = place.prototype;
    const AtEnd domain(quietly([&] { parts_.domains.force_off(template_id); }));
    parts_.forks->boot_template(spec, draft.memory());
    failpoint("template.booted");
    TemplateTalk talk(parts_.domains, template_id, pause_);
    static_cast<void>(talk.await("word from its fork point", parts_.config.ready_timeout, is<control::Forkable>));
    parts_.forks->freeze(draft.state());
    failpoint("template.frozen");
    if (wanted.fork_point == "ready") draft.disk = parts_.overlays.keep_disk(draft.key, disk);
    failpoint("template.disk");
}

/// One fork that is nobody's, to where it says HELLO: what fails always fails here first.
void TemplateMaker::try_out(const WantedTemplate& wanted, const Template& draft) const {
    DomainSpec spec = wanted.frame;
    spec.id = trial_id;
    spec.name = "trial";
    spec.mac = mac_of(trial_id);
    const auto disk = draft.folder + "/trial.qcow2";
    const auto place = parts_.overlays.create_at(disk, wanted.profile, parts_.config.guest.disk, draft.disk);
    spec.overlay = place.overlay;
    spec.prototype = place.prototype;
    const AtEnd domain(quietly([&] { parts_.domains.force_off(trial_id); }));
    parts_.forks->fork(spec, {draft.memory(), draft.state()});
    TemplateTalk talk(parts_.domains, trial_id, pause_);
    static_cast<void>(talk.await("word from a fork", fork_patience(parts_.config), is<control::Forkable>));
    const auto renew = new_renewal(2, spec.mac);
    talk.say(renew);
    const auto answer = talk.await("answer to RENEW", parts_.config.ready_timeout,
                                   [&](const auto& message) { return answers(message, renew.n); });
    if (const auto* refusal = std::get_if<control::Err>(&answer))
        throw Error(ErrorKind::failed, "a fork cannot be renewed: " + refusal->text);
    static_cast<void>(talk.await("HELLO of a fork", parts_.config.ready_timeout, is<control::Hello>));
}

}  // namespace drover
