#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "herd/accelerator.hpp"
#include "herd/templates.hpp"
#include "registry/registry.hpp"
#include "storage/roots.hpp"

namespace drover {

/// Builds, adds and removes versions one after another, each as an operation that outlives a killed daemon: what was
/// not finished is done again at the next start, which is harmless since equal inputs make the same version, and what
/// is gone is gone. Any thread.
class ImageJobs {
  public:
    /// `let_go` is called with the root of a version before its file goes.
    /// `templates`: null where nothing can be forked.
    ImageJobs(Registry& registry, Roots& roots, Accelerator& accelerator, Templates* templates,
              std::function<void(const std::string& root)> let_go);
    /// Lets a build in progress end at its next line of progress, unfinished in the registry.
    ~ImageJobs();

    /// Begins to build `image` and returns at once; with `with_template` it has not ended before the template of its
    /// guests is there, too. Error{not_found} when it has no recipe.
    OperationId build(const Caller& caller, const std::string& image, bool with_template = false);
    /// Begins to make a version of a cloud image and returns at once. Errors of Roots::expect_addable().
    OperationId add(const Caller& caller, const CloudImage& cloud);
    /// Begins to remove a version. Errors of Images::begin_removal().
    OperationId remove(const Caller& caller, const std::string& image, const std::string& digest);

  private:
    struct Job {
        OperationId operation = 0;
        std::string verb, image;
        std::string version;         ///< of a removal
        CloudImage cloud;            ///< of an addition
        bool with_template = false;  ///< of a build
    };
    void take_up_unfinished();
    void queue(Job job);
    void work();
    bool is_ending();
    void perform(const Job& job);
    void give_up(const Job& job, const std::string& reason);
    std::string build_now(const Job& job);
    std::string add_now(const Job& job);
    [[nodiscard]] std::function<void(const std::string&)> progress_of(const Job& job);
    void make_template(const Job& job, const Version& version);
    std::string remove_now(const Job& job);

    Registry& registry_;
    Roots& roots_;
    Accelerator& accelerator_;
    Templates* templates_;
    std::function<void(const std::string&)> let_go_;
    std::mutex mutex_;
    std::condition_variable news_;
    std::deque<Job> jobs_;
    bool ending_ = false;
    std::thread worker_;
};

}  // namespace drover
