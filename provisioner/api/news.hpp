#pragma once
#include <atomic>
#include <boost/asio.hpp>
#include <chrono>
#include <set>

namespace drover {

/// Lets coroutines on one io_context wait until something happened. spread() may be called from any thread, all else
/// only on that io_context's thread.
class News {
  public:
    explicit News(boost::asio::io_context& io) : io_(io) {}

    /// Something happened: everybody who waits, wakes.
    void spread() {
        if (pending_.exchange(true)) return;
        boost::asio::post(io_, [this] {
            pending_ = false;
            ++count_;
            for (auto* timer : waiting_) timer->cancel();
        });
    }

    /// How much has happened: to be read before looking, so that nothing is missed between looking and waiting.
    [[nodiscard]] std::uint64_t count() const { return count_; }

    /// Waits until the count differs from `seen`, at most `longest`.
    boost::asio::awaitable<void> wait(std::uint64_t seen, std::chrono::milliseconds longest) {
        if (count_ != seen) co_return;
        boost::asio::steady_timer timer(io_, longest);
        waiting_.insert(&timer);
        boost::system::error_code woken;  // cancelled: there is news
        co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
        waiting_.erase(&timer);
    }

  private:
    boost::asio::io_context& io_;
    std::atomic<bool> pending_ = false;
    std::uint64_t count_ = 0;
    std::set<boost::asio::steady_timer*> waiting_;
};

}  // namespace drover
