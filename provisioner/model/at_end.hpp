#pragma once
#include <utility>

namespace drover {

/// Calls what it was given when its scope ends, however; that must not throw.
template <typename End> class AtEnd {
  public:
    explicit AtEnd(End end) : end_(std::move(end)) {}
    AtEnd(const AtEnd&) = delete;
    AtEnd& operator=(const AtEnd&) = delete;
    ~AtEnd() { end_(); }

  private:
    End end_;
};

}  // namespace drover
