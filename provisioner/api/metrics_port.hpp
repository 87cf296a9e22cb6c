#pragma once
#include <functional>
#include <memory>
#include <string>

namespace drover {

/// Serves GET /metrics, and nothing else, to whoever reaches a TCP port: Prometheus does not speak to Unix sockets. A
/// thread of its own, at most 16 connections at once, 10 s for each: a slow or curious client costs nobody anything.
class MetricsPort {
  public:
    /// `endpoint`: "127.0.0.1:9100". Error{unavailable} when it cannot be listened at.
    MetricsPort(const std::string& endpoint, std::function<std::string()> metrics);
    /// Closes all and joins the thread.
    ~MetricsPort();
    MetricsPort(const MetricsPort&) = delete;
    MetricsPort& operator=(const MetricsPort&) = delete;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace drover
