#include "hypervisor/connection.hpp"

#include <fmt/format.h>
#include <libvirt/virterror.h>
#include <pthread.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "hypervisor/handles.hpp"
#include "model/at_end.hpp"
#include "model/sync.hpp"

namespace drover {
namespace {

using Clock = std::chrono::steady_clock;
using Changed = std::function<void(virDomainPtr, DomainEvent)>;

void name_thread(const char* name) { pthread_setname_np(pthread_self(), name); }

/// What libvirt's event thread may still use while a connection is being closed: the event callback owns a share of it.
struct Notifier {
    std::vector<Changed> watchers;
    std::atomic<bool> lost = false;

    void notify(virDomainPtr domain, DomainEvent event = DomainEvent::other) const {
        for (const auto& changed : watchers) changed(domain, event);
    }
};
using NotifierPtr = std::shared_ptr<Notifier>;

void on_close(virConnectPtr /*connection*/, int /*reason*/, void* notifier) {
    auto* told = static_cast<Notifier*>(notifier);
    told->lost = true;
    told->notify(nullptr);
}

DomainEvent event_of(int event, int detail) {
    if (event == VIR_DOMAIN_EVENT_STARTED) return DomainEvent::started;
    if (event == VIR_DOMAIN_EVENT_UNDEFINED) return DomainEvent::undefined;
    if (event != VIR_DOMAIN_EVENT_STOPPED) return DomainEvent::other;
    return detail == VIR_DOMAIN_EVENT_STOPPED_FAILED ? DomainEvent::died : DomainEvent::ended;
}

/// A definition changes nothing about what runs, and most are our own.
int on_event(virConnectPtr /*connection*/, virDomainPtr domain, int event, int detail, void* notifier) {
    if (event != VIR_DOMAIN_EVENT_DEFINED)
        (*static_cast<NotifierPtr*>(notifier))->notify(domain, event_of(event, detail));
    return 0;
}

void give_share_back(void* notifier) { const std::unique_ptr<NotifierPtr> share(static_cast<NotifierPtr*>(notifier)); }

/// The number of the registration.
int tell_events(virConnectPtr connection, const NotifierPtr& notifier) {
    auto share = std::make_unique<NotifierPtr>(notifier);
    const int number =
        virConnectDomainEventRegisterAny(connection, nullptr, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                         VIR_DOMAIN_EVENT_CALLBACK(on_event), share.get(), give_share_back);
    if (number < 0) throw last_error("connect");
    static_cast<void>(share.release());  // it is the callback's now
    return number;
}

}  // namespace

EventLoop::EventLoop() {
    virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});  // errors are thrown, not printed
    if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0) throw last_error("libvirt's event loop");
    waker_ = virEventAddTimeout(
        -1, [](int, void*) {}, nullptr, nullptr);
    if (waker_ < 0) throw last_error("libvirt's event loop");
    thread_ = std::thread([this] {
        name_thread("drover-events");
        while (!ending_) virEventRunDefaultImpl();
    });
}

EventLoop::~EventLoop() {
    ending_ = true;
    virEventUpdateTimeout(waker_, 0);
    thread_.join();
    virEventRemoveTimeout(waker_);
}

/// One open connection; ends with the last call that uses it.
struct Connection::Link {
    Link(const std::string& uri, NotifierPtr told);
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    [[nodiscard]] bool alive() const { return !notifier->lost && virConnectIsAlive(connection.get()) == 1; }

    const NotifierPtr notifier;
    const ConnectHandle connection;

  private:
    int events_ = -1;  ///< of a connection that somebody watches: libvirt sends each event to each that asks
};

Connection::Link::Link(const std::string& uri, NotifierPtr told)
    : notifier(std::move(told)), connection(virConnectOpen(uri.c_str())) {
    if (!connection) throw last_error("connect");
    if (!notifier->watchers.empty()) events_ = tell_events(connection.get(), notifier);
    // No share for this one: it is called under a lock that unregistering waits for. Drivers that live in this process
    // know neither of these: there is nothing that could be lost.
    virConnectRegisterCloseCallback(connection.get(), on_close, notifier.get(), nullptr);
}

Connection::Link::~Link() {
    if (events_ >= 0) virConnectDomainEventDeregisterAny(connection.get(), events_);
    virConnectUnregisterCloseCallback(connection.get(), on_close);
}

/// Shared with every thread that was started, so that one which outlives the Connection still finds it.
struct Connection::State : std::enable_shared_from_this<State> {
    using LinkPtr = std::shared_ptr<Link>;
    using Ticket =
        std::shared_ptr<bool>;  ///< of a thread: whether it is waited for at the end; under the lock of `threads`
    struct Opening {
        std::shared_future<LinkPtr> link;
        Ticket thread;
    };
    struct Links {
        std::vector<Changed> watchers;
        LinkPtr current;
        std::optional<Opening> opening;  ///< while somebody connects
    };

    State(std::string uri_of_it, Duration deadline_of_it) : uri(std::move(uri_of_it)), deadline(deadline_of_it) {}

    Ticket start_thread(const char* name, std::function<void()> body);
    void wait_no_more_for(const Ticket& ticket);
    void join_threads();
    LinkPtr link(Clock::time_point until);
    Opening open();
    LinkPtr connect();
    void drop(const LinkPtr& link);

    const std::string uri;
    const Duration deadline;
    Synchronized<Links> links;
    Synchronized<int> threads{0};
    std::condition_variable thread_ended;
};

// Detached, for a thread inside libvirt cannot be ended from outside; counted, so that all those are waited for at the
// end that were not given up.
Connection::State::Ticket Connection::State::start_thread(const char* name, std::function<void()> body) try {
    auto ticket = std::make_shared<bool>(true);
    auto count = threads.lock();
    std::thread([self = shared_from_this(), name, ticket, body = std::move(body)]() mutable {
        name_thread(name);
        body();
        body = nullptr;  // what it owns goes before it counts as ended
        self->wait_no_more_for(ticket);
    }).detach();
    ++*count;
    return ticket;
} catch (const std::system_error& error) {
    throw Error(ErrorKind::unavailable, fmt::format("no thread for a call: {}", error.what()));
}

void Connection::State::wait_no_more_for(const Ticket& ticket) {
    auto count = threads.lock();
    if (std::exchange(*ticket, false)) --*count;
    thread_ended.notify_all();
}

void Connection::State::join_threads() {
    auto count = threads.lock();
    thread_ended.wait(count.handle(), [&] { return *count == 0; });
}

Connection::State::LinkPtr Connection::State::link(Clock::time_point until) {
    LinkPtr dead;
    Opening opening;
    {
        auto held = links.lock();
        if (held->current && held->current->alive()) return held->current;
        dead = std::exchange(held->current, nullptr);
        if (!held->opening) held->opening = open();
        opening = *held->opening;
    }
    if (opening.link.wait_until(until) != std::future_status::ready) {
        wait_no_more_for(opening.thread);
        throw Error(ErrorKind::unavailable, fmt::format("does not let anybody in within {}", to_text(deadline)));
    }
    return opening.link.get();
}

// In a thread of its own: a frozen hypervisor neither accepts nor refuses. One at a time; later calls wait for it too.
Connection::State::Opening Connection::State::open() {
    const auto promise = std::make_shared<std::promise<LinkPtr>>();
    auto thread = start_thread("drover-connect", [this, promise] {
        try {
            promise->set_value(connect());
        } catch (...) {
            links.lock()->opening.reset();
            promise->set_exception(std::current_exception());
        }
    });
    return {promise->get_future().share(), thread};
}

Connection::State::LinkPtr Connection::State::connect() {
    const auto notifier = std::make_shared<Notifier>();
    notifier->watchers = links.lock()->watchers;
    const auto link = std::make_shared<Link>(uri, notifier);
    {
        auto held = links.lock();
        held->current = link;
        held->opening.reset();
    }
    notifier->notify(nullptr);
    return link;
}

void Connection::State::drop(const LinkPtr& link) {
    auto held = links.lock();
    if (held->current == link) held->current.reset();
}

Connection::Connection(const EventLoop& /*it runs*/, const std::string& uri, Duration deadline) {
    for (auto& state : states_) state = std::make_shared<State>(uri, deadline);
    busy_.lock()->fill(false);
}

Connection::~Connection() {
    for (const auto& state : states_) {
        state->join_threads();
        const auto last = std::exchange(state->links.lock()->current, nullptr);
    }
}

const std::string& Connection::uri() const { return states_.front()->uri; }

void Connection::watch(std::function<void(virDomainPtr, DomainEvent)> changed) {
    states_.front()->links.lock()->watchers.push_back(std::move(changed));
}

/// A connection for one call; the first one that is free, so that the one which hears of events is never left lost.
class Connection::Lane {
  public:
    Lane(Connection& all, Clock::time_point until) : all_(all) {
        auto busy = all_.busy_.lock();
        const auto is_free = [&] {
            number_ = static_cast<std::size_t>(std::find(busy->begin(), busy->end(), false) - busy->begin());
            return number_ < busy->size();
        };
        if (!all_.one_is_free_.wait_until(busy.handle(), until, is_free))
            throw all_.lost("its earlier calls are not answered");
        (*busy)[number_] = true;
    }
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;
    ~Lane() {
        (*all_.busy_.lock())[number_] = false;
        all_.one_is_free_.notify_one();
    }

    [[nodiscard]] State& state() const { return *all_.states_[number_]; }

  private:
    Connection& all_;
    std::size_t number_ = 0;
};

bool Connection::run(std::function<void(virConnectPtr)> work) {
    const auto began = Clock::now();
    const auto until = began + states_.front()->deadline;
    const UnderWay one(meter_.under_way);
    const AtEnd note([&] { meter_.took.note(Clock::now() - began); });
    try {
        const Lane lane(*this, until);
        const bool alive = run_on(lane.state(), until, std::move(work));
        if (!alive) meter_.failed.add();
        return alive;
    } catch (const Error& error) {
        meter_.failed.add();
        throw error.hint().empty() ? lost(error.what()) : error;
    }
}

bool Connection::run_on(State& state, Clock::time_point until, std::function<void(virConnectPtr)> work) {
    const auto link = state.link(until);
    const auto done = std::make_shared<std::promise<void>>();
    const auto thread = state.start_thread("drover-call", [link, done, work = std::move(work)] {
        work(link->connection.get());
        done->set_value();
    });
    if (done->get_future().wait_until(until) != std::future_status::ready) {
        state.wait_no_more_for(thread);
        state.drop(link);
        throw Error(ErrorKind::unavailable, fmt::format("no answer within {}", to_text(state.deadline)));
    }
    if (link->alive()) return true;
    state.drop(link);
    return false;
}

Error Connection::lost(const std::string& why) const {
    return {ErrorKind::unavailable, fmt::format("{}: {}", uri(), why),
            fmt::format("see whether it answers: virsh -c '{}' version", uri())};
}

int last_code() {
    const auto* error = virGetLastError();
    return error == nullptr ? VIR_ERR_OK : error->code;
}

Error last_error(const std::string& doing) {
    return {ErrorKind::failed, fmt::format("{}: {}", doing, virGetLastErrorMessage())};
}

}  // namespace drover
