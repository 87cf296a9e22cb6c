#include "herd/image_builds.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/error.hpp"
#include "model/failpoint.hpp"

namespace drover {
namespace {

constexpr const char* verb = "image-build";

}  // namespace

ImageBuilds::ImageBuilds(Registry& registry, Roots& roots, Accelerator& accelerator)
    : registry_(registry), roots_(roots), accelerator_(accelerator) {
    roots_.sweep();
    take_up_unfinished();
    worker_ = std::thread([this] {
        pthread_setname_np(pthread_self(), "images");
        work();
    });
}

ImageBuilds::~ImageBuilds() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    news_.notify_all();
    worker_.join();
}

OperationId ImageBuilds::begin(const Caller& caller, const std::string& image) {
    const std::vector<std::string> recipes = roots_.recipes();
    if (std::find(recipes.begin(), recipes.end(), image) == recipes.end()) {
        throw Error(ErrorKind::not_found, fmt::format("no recipe for an image '{}'", image),
                    fmt::format("there are: {}", fmt::join(recipes, ", ")));
    }
    const OperationId id = registry_.operations.begin(caller, verb, nlohmann::json{{"image", image}}.dump());
    const std::lock_guard lock(mutex_);
    jobs_.push_back({id, image});
    news_.notify_all();
    return id;
}

void ImageBuilds::take_up_unfinished() {
    for (const Operation& operation : registry_.operations.unfinished_without_items()) {
        if (operation.verb != verb) continue;
        jobs_.push_back({operation.id, nlohmann::json::parse(operation.arguments).at("image").get<std::string>()});
    }
}

void ImageBuilds::work() {
    while (true) {
        std::unique_lock lock(mutex_);
        news_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
        if (ending_) return;
        const Job job = jobs_.front();
        jobs_.pop_front();
        lock.unlock();
        build(job);
    }
}

void ImageBuilds::build(const Job& job) {
    try {
        const Version version = roots_.build(job.image, [&](const std::string& line) {
            registry_.events.add("image", "", job.operation, fmt::format("{}: {}", job.image, line));
        });
        failpoint("image.built");
        registry_.images.promote(job.image, version.digest);
        accelerator_.kvm(version);  // finds out now, not while the first guest waits
        registry_.operations.finish(job.operation, "done", version.digest);
        spdlog::info("image {}: {}", job.image, version.digest);
    } catch (const std::exception& error) {
        spdlog::error("image {}: {}", job.image, error.what());
        registry_.operations.finish(job.operation, "failed", error.what());
    }
}

}  // namespace drover
