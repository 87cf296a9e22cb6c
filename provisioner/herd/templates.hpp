#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "herd/template_maker.hpp"
#include "model/sync.hpp"

namespace drover {

/// How a template is, for people.
struct TemplateSight {
    enum class Stage { queued, making, ready, failed };
    std::string image, version, profile, fork_point;
    Stage stage = Stage::queued;
    std::optional<Time> made;
    Duration took{0};
    long long bytes = 0;
    std::string reason;  ///< why there is none
};
std::string_view to_text(TemplateSight::Stage stage);

/// The templates of this host: made on demand by one thread "templates", one after another, each once however many
/// guests want it; checked before the first use in each life of the daemon; remade when anything they depend on
/// changed. One that cannot be made or used is left alone for a while, and why is told. Any thread.
class Templates {
  public:
    /// `parts.forks` is there. Nothing runs yet.
    Templates(const Parts& parts, TemplateStore& store);
    ~Templates();

    /// Sweeps the disk and begins to work. `nudge` is called with guests that waited; not after stop().
    void start(std::function<void(const std::vector<GuestId>&)> nudge);
    /// Gives up what is being made, and ends.
    void stop();

    /// What the guest, which never ran, is forked from when it starts now; null: it boots cold. Wants it to be made
    /// where it could be. Error{unavailable}.
    std::shared_ptr<const Template> find(const Guest& guest);
    /// Whether the guest had better wait: its template is about to be there, and many guests want it. It is nudged
    /// then.
    bool hold(const Guest& guest);
    /// Makes the template of guests of this version that name nothing else, or finds it, and returns what it is.
    /// `pause` as in TemplateMaker. Error{failed} why not, Error{refused} when such guests are not forked.
    std::string make_for(const std::string& image, const std::string& version, const std::function<void()>& pause);
    /// A fork of the guest's template did not work, and why; when several in a row do not, the template goes.
    void failed(const Guest& guest, const std::string& why);
    void worked(const Guest& guest);
    /// The version is being removed.
    void forget(const std::string& image, const std::string& version);
    [[nodiscard]] std::vector<TemplateSight> list();

  private:
    using Clock = std::chrono::steady_clock;
    using Stage = TemplateSight::Stage;
    struct Entry {
        WantedTemplate wanted;
        Stage stage = Stage::queued;
        std::shared_ptr<const Template> it;
        std::string reason;
        Clock::time_point began, retry_at;
        int failures = 0;     ///< in a row, of making it
        int bad_forks = 0;    ///< in a row
        bool doomed = false;  ///< its version was removed while it was made
        std::set<GuestId> waiting;
    };
    struct State {
        std::map<std::string, Entry> entries;  ///< by key
        std::deque<std::string> queue;
        bool ending = false;
    };
    struct Ending {};  ///< thrown out of a making that nobody waits for

    [[nodiscard]] bool may_fork(const Guest& guest) const;
    std::optional<WantedTemplate> wanted_by(const Guest& guest);
    static Entry& enter(State& state, const WantedTemplate& wanted);
    void work();
    void end_leftovers();
    void perform(const std::string& key);
    std::shared_ptr<const Template> find_or_make(const WantedTemplate& wanted);
    void drop_unfit(const WantedTemplate& wanted);
    void settle(const std::string& key, std::shared_ptr<const Template> it, const std::string& reason);
    void tell(const std::string& kind, const std::string& message);
    void pause();

    const Parts& parts_;
    TemplateStore& store_;
    TemplateMaker maker_;
    std::function<void(const std::vector<GuestId>&)> nudge_;
    Synchronized<State> state_;
    std::condition_variable news_;
    std::thread worker_;
};

}  // namespace drover
