#pragma once
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "herd/accelerator.hpp"
#include "registry/registry.hpp"
#include "storage/roots.hpp"

namespace drover {

/// Builds images one after another, each as an operation that outlives a killed daemon: what was not finished is built
/// again at the next start, which is harmless since equal inputs make the same version.
class ImageBuilds {
  public:
    ImageBuilds(Registry& registry, Roots& roots, Accelerator& accelerator);
    /// Lets a build in progress end at its next line of progress, unfinished in the registry.
    ~ImageBuilds();

    /// Begins to build `image` and returns at once. Error{not_found} when it has no recipe.
    OperationId begin(const Caller& caller, const std::string& image);

  private:
    struct Job {
        OperationId operation;
        std::string image;
    };
    void take_up_unfinished();
    void work();
    void build(const Job& job);

    Registry& registry_;
    Roots& roots_;
    Accelerator& accelerator_;
    std::mutex mutex_;
    std::condition_variable news_;
    std::deque<Job> jobs_;
    bool ending_ = false;
    std::thread worker_;
};

}  // namespace drover
