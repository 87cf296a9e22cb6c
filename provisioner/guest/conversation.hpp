#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/codec.hpp"

namespace drover::guest {

/// All that an IDENTITY puts into force.
struct Introduction {
    control::Identity identity;
    std::vector<std::string> authorized_keys;

    [[nodiscard]] std::string digest() const { return control::digest_of(identity, authorized_keys); }
    bool operator==(const Introduction&) const = default;
};

/// The guest, as its end of the control channel sees it: what the conversation can find out and do. One thread.
class Machine {
  public:
    virtual ~Machine() = default;

    /// 32 hex digits.
    virtual std::string boot_id() = 0;
    /// Base64 of the public host key, or empty.
    virtual std::string host_key() = 0;
    /// Digest of what took effect last in this boot, or empty.
    virtual std::string digest_in_force() = 0;
    /// What took effect last in any boot.
    virtual std::optional<Introduction> last_introduction() = 0;
    /// Puts a host key (32 bytes of seed) into place; the ssh server has it once an introduction is put into force.
    virtual void put_host_key(std::string_view seed) = 0;
    /// Sets the clock, when it is off by more than a second; ms since 1970.
    virtual void set_clock(std::int64_t time) = 0;
    /// Makes it so. Repeatable. Throws when something did not work; repeating it mends that.
    virtual void put_into_force(const Introduction& introduction) = 0;
    /// Remembers for later boots what was put into force last, and does what else can wait until READY was said.
    virtual void keep() noexcept = 0;
    /// What its clock says and how full its disk and memory are; nothing when that was found out a moment ago.
    virtual std::optional<control::Levels> levels() = 0;
    /// How its own things hide what the new root has at this path; nothing: they do not.
    virtual std::optional<Hiding> hiding(const PathChange& change) = 0;
    /// Notes durably what is to be the root's again once it boots on that root, instead of what was noted before.
    virtual void reset_later(const std::vector<PathChange>& changes) = 0;
    /// Begins to do it, after what was ordered before, and returns at once what is to be said at once. What is to be
    /// said once it is done is another's to say.
    virtual std::string serve(const control::ServiceOrder& order) = 0;
    /// What is known of services that nobody has ordered yet: a fork has its template's.
    virtual std::vector<control::ServiceState> services_known() = 0;
    /// Has this password open the login, durably.
    virtual void put_password(const control::Password& password) = 0;
};

/// The guest's side of the control channel: lines in, lines out (each with its newline). A line that is not exactly
/// right is dropped without an answer. One thread.
class Conversation {
  public:
    explicit Conversation(Machine& machine) : machine_(machine) {}

    /// What the guest's end says when it starts.
    std::string greeting();
    /// What it says to whoever connects: READY once something is in force, HELLO before.
    std::string state();
    /// Does what could wait until what was last said is on its way: to be called after each answer.
    void rest();
    /// The answer to one line of the daemon. An empty line, which begins every connection, starts anew.
    std::string answer(std::string_view line);
    /// Another connection: keys that were collected for an IDENTITY which did not come are forgotten.
    void start_anew();

    /// Whether there is a last identity that nothing was put into force of in this boot.
    bool could_go_on();
    /// Goes on with the last identity, the daemon being out of reach. What it says is for whoever may listen.
    std::string go_on();
    /// The daemon said STOP.
    [[nodiscard]] bool stop_asked() const { return stop_asked_; }

  private:
    std::string take(const control::Key& key);
    std::string take(const control::TellAddress6& told);
    std::string take(const control::Introduce& introduce);
    std::string take(const control::Ping& ping);
    std::string take(const control::Stop& stop);
    std::string take(const control::Path& path);
    std::string take(const control::AskShadows& ask);
    std::string take(const control::Reset& reset);
    std::string take(const control::Renew& renew);
    std::string take(const control::ServiceOrder& order);
    std::string take(const control::Password& password);
    void put_into_force(const Introduction& introduction);
    std::vector<PathChange> told(std::uint32_t n, std::uint32_t count);

    Machine& machine_;
    std::vector<std::string> authorized_keys_;
    std::string host_seed_;
    control::TellAddress6 address6_;  ///< for the next IDENTITY; without an address: none was told
    std::uint32_t paths_for_ = 0;     ///< the request that these were told for
    std::vector<PathChange> paths_;   ///< at most most_questions; requests that come in pieces count them
    bool stop_asked_ = false;
    bool to_keep_ = false;  ///< something was put into force that was not kept yet
};

}  // namespace drover::guest
