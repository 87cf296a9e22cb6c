#include "herd/image_jobs.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "model/error.hpp"
#include "model/failpoint.hpp"

namespace drover {
namespace {

constexpr const char* build_verb = "image-build";
constexpr const char* add_verb = "image-add";
constexpr const char* remove_verb = "image-remove";
constexpr auto build_budget = std::chrono::minutes(20);

/// Thrown out of a build that the daemon does not wait for.
struct Ending {};

/// Versions that the registry does not know: built before it kept them, or by a daemon that was killed then.
void take_in(Registry& registry, const Roots& roots) {
    std::set<std::pair<std::string, std::string>> known;
    for (const Images::Row& row : registry.images.list()) known.emplace(row.image, row.digest);
    for (const Version& version : roots.versions())
        if (!known.contains({version.image, version.digest})) registry.images.add(version.image, version.digest);
}

/// Versions of the image that guests have, or new ones get: any of those may be upgraded.
std::vector<std::string> in_use(Registry& registry, const std::string& image) {
    std::vector<std::string> digests;
    for (const Images::Row& row : registry.images.list())
        if (row.image == image && (row.promoted || row.guests > 0)) digests.push_back(row.digest);
    return digests;
}

}  // namespace

ImageJobs::ImageJobs(Registry& registry, Roots& roots, Accelerator& accelerator, Templates* templates,
                     std::function<void(const std::string&)> let_go)
    : registry_(registry), roots_(roots), accelerator_(accelerator), templates_(templates), let_go_(std::move(let_go)) {
    roots_.sweep();
    take_up_unfinished();
    for (const Job& job : jobs_)
        if (job.verb == remove_verb) perform(job);  // before its version is taken for one that nobody knows
    std::erase_if(jobs_, [](const Job& job) { return job.verb == remove_verb; });
    take_in(registry_, roots_);
    worker_ = std::thread([this] {
        pthread_setname_np(pthread_self(), "images");
        work();
    });
}

ImageJobs::~ImageJobs() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    news_.notify_all();
    worker_.join();
}

OperationId ImageJobs::build(const Caller& caller, const std::string& image, bool with_template) {
    const std::vector<std::string> recipes = roots_.recipes();
    if (std::find(recipes.begin(), recipes.end(), image) == recipes.end()) {
        throw Error(ErrorKind::not_found, fmt::format("no recipe for an image '{}'", image),
                    fmt::format("there are: {}", fmt::join(recipes, ", ")));
    }
    nlohmann::json arguments{{"image", image}};
    if (with_template) arguments["template"] = true;
    const OperationId id = registry_.operations.begin(caller, build_verb, arguments.dump());
    queue({.operation = id, .verb = build_verb, .image = image, .with_template = with_template});
    return id;
}

OperationId ImageJobs::add(const Caller& caller, const CloudImage& cloud) {
    roots_.expect_addable(cloud);
    const nlohmann::json arguments{{"image", cloud.image}, {"file", cloud.file}, {"memory", cloud.memory}};
    const OperationId id = registry_.operations.begin(caller, add_verb, arguments.dump());
    queue({.operation = id, .verb = add_verb, .image = cloud.image, .cloud = cloud});
    return id;
}

OperationId ImageJobs::remove(const Caller& caller, const std::string& image, const std::string& digest) {
    const OperationId id = registry_.images.begin_removal(caller, image, digest);
    queue({.operation = id, .verb = remove_verb, .image = image, .version = digest});
    return id;
}

bool ImageJobs::is_ending() {
    const std::lock_guard lock(mutex_);
    return ending_;
}

void ImageJobs::queue(Job job) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    news_.notify_all();
}

void ImageJobs::take_up_unfinished() {
    for (const Operation& operation : registry_.operations.unfinished_without_items()) {
        if (operation.verb != build_verb && operation.verb != add_verb && operation.verb != remove_verb) continue;
        const auto arguments = nlohmann::json::parse(operation.arguments);
        const auto image = arguments.at("image").get<std::string>();
        jobs_.push_back({.operation = operation.id,
                         .verb = operation.verb,
                         .image = image,
                         .version = arguments.value("version", ""),
                         .cloud = {image, arguments.value("file", ""), arguments.value("memory", 0LL)},
                         .with_template = arguments.value("template", false)});
    }
}

void ImageJobs::work() {
    while (true) {
        std::unique_lock lock(mutex_);
        news_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
        if (ending_) return;
        const Job job = jobs_.front();
        jobs_.pop_front();
        lock.unlock();
        perform(job);
    }
}

void ImageJobs::perform(const Job& job) {
    try {
        const auto version = job.verb == build_verb ? build_now(job)
                             : job.verb == add_verb ? add_now(job)
                                                    : remove_now(job);
        registry_.operations.finish(job.operation, "done", version);
        spdlog::info("{} {}: {}", job.verb, job.image, version);
    } catch (const Ending&) {
        spdlog::info("{} {}: begins anew at the next start", job.verb, job.image);
    } catch (const Error& error) {
        give_up(job, error.hint().empty() ? error.what() : fmt::format("{}: {}", error.what(), error.hint()));
    } catch (const std::exception& error) {
        give_up(job, error.what());
    }
}

void ImageJobs::give_up(const Job& job, const std::string& reason) {
    spdlog::error("{} {}: {}", job.verb, job.image, reason);
    registry_.operations.finish(job.operation, "failed", reason);
}

std::function<void(const std::string&)> ImageJobs::progress_of(const Job& job) {
    return [this, &job](const std::string& line) {
        if (is_ending()) throw Ending{};
        registry_.events.add("image", "", job.operation, fmt::format("{}: {}", job.image, line));
    };
}

std::string ImageJobs::add_now(const Job& job) {
    const Version version = roots_.add(job.cloud, progress_of(job));
    failpoint("image.built");
    registry_.images.add(job.image, version.digest);
    return version.digest;
}

std::string ImageJobs::build_now(const Job& job) {
    const Version version = roots_.build(job.image, progress_of(job), build_budget, in_use(registry_, job.image));
    failpoint("image.built");
    registry_.images.add(job.image, version.digest);
    accelerator_.kvm(version);  // finds out now, not while the first guest waits
    if (job.with_template) make_template(job, version);
    return version.digest;
}

void ImageJobs::make_template(const Job& job, const Version& version) {
    try {
        if (templates_ == nullptr) throw Error(ErrorKind::refused, "no guest can be forked on this hypervisor");
        progress_of(job)("template: boots a guest to its fork point");
        progress_of(job)(templates_->make_for(version.image, version.digest, [this] {
            if (is_ending()) throw Ending{};
        }));
    } catch (const Error& error) {
        throw error.within(fmt::format("{} is built", version.digest));
    }
}

std::string ImageJobs::remove_now(const Job& job) {
    if (templates_ != nullptr) templates_->forget(job.image, job.version);
    let_go_(roots_.root_of(job.image, job.version));
    roots_.remove(job.image, job.version);
    failpoint("image.removed");
    registry_.images.end_removal(job.image, job.version);
    return job.version;
}

}  // namespace drover
