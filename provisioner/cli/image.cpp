#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <vector>

#include "cli/output.hpp"
#include "cli/verbs.hpp"
#include "cli/wait.hpp"
#include "model/names.hpp"
#include "model/time.hpp"

namespace drover::cli {
namespace {

struct ListOptions {};

/// Of build and remove, which the daemon does by and by.
struct WorkOptions {
    std::string name, version;
    bool with_template = false;  ///< of a build
    WaitOptions wait;
};

struct AddOptions {
    std::string file, memory;
    bool cloud_init = false;
    WorkOptions work;
};

struct PromoteOptions {
    std::string name, version;
};

struct VerifyOptions {
    std::string version;
};

struct SbomOptions {
    std::string what;
};

struct DiffOptions {
    std::string from, to;
};

std::string target_of(const std::string& image, const std::string& what) {
    check_plain_name("image", image);
    return "/v1/images/" + wire::escape(image) + "/" + what;
}

/// "ready", or "ready; failed (student): no word from its fork point within 5m" where there is more to say.
std::string templates_text(const wire::Json& image) {
    std::string text;
    for (const auto& one : image.value("templates", wire::Json::array())) {
        if (!text.empty()) text += "; ";
        text += field(one, "state");
        if (const auto reason = field(one, "reason"); !reason.empty())
            text += printable(fmt::format(" ({}): {}", field(one, "profile"), reason));
    }
    return text;
}

int list(Context& context, const ListOptions&) {
    const auto images = Client(context.socket).get("/v1/images");
    if (context.json) {
        print_json(context.console, images);
        return 0;
    }
    Table table({"IMAGE", "VERSION", "CURRENT", "PROMOTED", "GUESTS", "MIB", "TEMPLATE"});
    for (const auto& image : images) {
        table.add({field(image, "image"), field(image, "version").substr(0, 19),
                   image.value("current", false) ? "yes" : "", field(image, "promoted"), field(image, "guests"),
                   fmt::format("{}", image.value("bytes", 0LL) >> 20), templates_text(image)});
    }
    table.print(context.console);
    return 0;
}

wire::Json summary(const Operation& operation) {
    return {
        {"operation", operation_name(operation.id)}, {"outcome", operation.outcome}, {"message", operation.message}};
}

/// Waits for work that was accepted, and tells how it ended.
int tell_end(Context& context, Client& client, Operation operation, const WorkOptions& options) {
    const auto timeout = timeout_of(options.wait);
    if (!operation.finished && !options.wait.no_wait) operation = follow(context, client, operation.id, timeout);
    if (operation.finished && operation.outcome != "done") {
        throw Error(
            ErrorKind::failed,
            fmt::format("{} of '{}' {}: {}", operation.verb, options.name, operation.outcome, operation.message),
            "drover operations " + operation_name(operation.id));
    }
    if (context.json) {
        print_json(context.console, summary(operation));
    } else {
        context.console.out << fmt::format("{} image {} {} {}\n", operation_name(operation.id), options.name,
                                           operation.outcome, printable(operation.message));
    }
    return 0;
}

int build(Context& context, const WorkOptions& options) {
    static_cast<void>(timeout_of(options.wait));  // a bad one is refused before anything is done
    Client client(context.socket);
    auto body = wire::Json::object();
    if (options.with_template) body["template"] = true;
    const auto answer = client.post(target_of(options.name, "build"), body);
    return tell_end(context, client, wire::decode_operation(answer), options);
}

int add(Context& context, const AddOptions& options) {
    static_cast<void>(timeout_of(options.work.wait));
    wire::ImageAddition addition{.file = options.file};
    if (!options.memory.empty()) addition.memory = parse_size(options.memory);
    auto body = wire::encode(addition);
    body["cloud_init"] = options.cloud_init;
    static_cast<void>(wire::decode_image_addition(body));  // a mistake is told without asking the daemon
    Client client(context.socket);
    const auto answer = client.post(target_of(options.work.name, "versions"), body);
    return tell_end(context, client, wire::decode_operation(answer), options.work);
}

int remove(Context& context, const WorkOptions& options) {
    static_cast<void>(timeout_of(options.wait));
    Client client(context.socket);
    const auto answer = client.remove(target_of(options.name, "versions/" + wire::escape(options.version)));
    return tell_end(context, client, wire::decode_operation(answer), options);
}

/// Tells what new guests get now.
int tell_promotion(Context& context, const wire::Json& promotion) {
    if (context.json) {
        print_json(context.console, promotion);
    } else {
        context.console.out << fmt::format("new guests of {} get {}\n", field(promotion, "image"),
                                           field(promotion, "version"));
    }
    return 0;
}

int promote(Context& context, const PromoteOptions& options) {
    auto body = wire::Json::object();
    if (!options.version.empty()) body["version"] = options.version;
    return tell_promotion(context, Client(context.socket).post(target_of(options.name, "promote"), body));
}

int roll_back(Context& context, const PromoteOptions& options) {
    return tell_promotion(context,
                          Client(context.socket).post(target_of(options.name, "rollback"), wire::Json::object()));
}

int diff(Context& context, const DiffOptions& options) {
    const auto differences =
        Client(context.socket)
            .get("/v1/differences" + wire::query_string({{"from", options.from}, {"to", options.to}}));
    if (context.json) {
        print_json(context.console, differences);
        return 0;
    }
    const auto or_none = [](const std::string& version) { return version.empty() ? "-" : version; };
    for (const auto& package : differences.at("packages")) {
        context.console.out << fmt::format("package {} {} -> {}\n", printable(field(package, "name")),
                                           or_none(printable(field(package, "from"))),
                                           or_none(printable(field(package, "to"))));
    }
    for (const auto& file : differences.at("files"))
        context.console.out << fmt::format("{:8} {}\n", field(file, "change"), printable(field(file, "path")));
    return 0;
}

Error no_version(const std::string& text) {
    return {ErrorKind::not_found, fmt::format("there is no version '{}'", text), "drover image list"};
}

/// Versions of all images whose digest begins so.
std::vector<wire::Json> versions_like(Client& client, const std::string& text) {
    const std::string algorithm = "sha256:";
    const auto prefix = text.starts_with(algorithm) ? text : algorithm + text;
    std::vector<wire::Json> versions;
    for (const auto& row : client.get("/v1/images"))
        if (field(row, "version").starts_with(prefix)) versions.push_back(row);
    return versions;
}

std::string version_target(const wire::Json& row, const std::string& what) {
    return target_of(field(row, "image"), fmt::format("versions/{}/{}", wire::escape(field(row, "version")), what));
}

int verify(Context& context, const VerifyOptions& options) {
    constexpr auto to_read_a_large_one = std::chrono::minutes(10);
    Client client(context.socket);
    const auto versions = versions_like(client, options.version);
    if (versions.empty() && !options.version.empty()) throw no_version(options.version);
    auto found = wire::Json::array();
    for (const auto& row : versions)
        found.push_back(client.get(version_target(row, "verification"), to_read_a_large_one));
    const auto is_damaged = [](const wire::Json& one) { return !one.at("damaged").is_null(); };
    if (context.json) {
        print_json(context.console, found);
    } else {
        Table table({"IMAGE", "VERSION", "DAMAGED"});
        for (const auto& one : found)
            table.add({field(one, "image"), field(one, "version").substr(0, 19), field(one, "damaged")});
        table.print(context.console);
    }
    return std::any_of(found.begin(), found.end(), is_damaged) ? 1 : 0;
}

/// An image's name means what its new guests get.
wire::Json version_meant(Client& client, const std::string& text) {
    for (const auto& row : client.get("/v1/images"))
        if (field(row, "image") == text && row.value("current", false)) return row;
    const auto versions = versions_like(client, text);
    if (versions.empty()) throw no_version(text);
    const auto is_other = [&](const wire::Json& row) { return row.at("version") != versions.front().at("version"); };
    if (std::any_of(versions.begin(), versions.end(), is_other))
        throw Error(ErrorKind::refused, fmt::format("'{}' may be {} versions", text, versions.size()),
                    "give more of its digest: drover image list --json");
    return versions.front();
}

int sbom(Context& context, const SbomOptions& options) {
    Client client(context.socket);
    print_json(context.console, client.get(version_target(version_meant(client, options.what), "sbom")));
    return 0;
}

}  // namespace

void add_image(CLI::App& app, Action& chosen) {
    auto* family = add_verb(
        app, "image", "Images and their versions: list, build, add, promote, rollback, remove, diff, verify, sbom",
        "  drover image list\n  drover image build tiny\n  drover image promote tiny");
    family->require_subcommand(0, 1);
    auto* listing = add_verb(*family, "list", "List images and their versions", "  drover image list --json");
    on_chosen(listing, chosen, std::make_shared<ListOptions>(), list);

    auto built = std::make_shared<WorkOptions>();
    auto* verb = add_verb(*family, "build", "Build an image by its recipe: a new version, or the one that is there",
                          "  drover image build tiny\n  drover image build debian --template --timeout 0");
    add_text(*verb, "NAME", built->name, "", "The image")->required();
    verb->add_flag("--template", built->with_template, "Also make what its guests are forked from, and try it");
    add_wait_options(*verb, built->wait);
    on_chosen(verb, chosen, built, build);

    auto added = std::make_shared<AddOptions>();
    verb = add_verb(*family, "add", "Make a version of a cloud image: a qcow2 that boots by itself and has cloud-init",
                    "  drover image add bookworm /srv/debian-12-genericcloud-amd64.qcow2 --cloud-init\n"
                    "  drover image add bookworm /srv/debian-12.qcow2 --cloud-init --memory 1GiB");
    add_text(*verb, "NAME", added->work.name, "", "The image; none that has a recipe")->required();
    add_text(*verb, "FILE", added->file, "", "On the host, absolute; backed by no other, not encrypted")->required();
    verb->add_flag("--cloud-init", added->cloud_init, "It has cloud-init, which tells its guests who they are");
    add_text(*verb, "--memory", added->memory, "SIZE", "What a guest needs at least; by default 512MiB");
    add_wait_options(*verb, added->work.wait);
    on_chosen(verb, chosen, added, add);

    auto promoted = std::make_shared<PromoteOptions>();
    verb = add_verb(*family, "promote", "Have new guests get a version; by default the one built last",
                    "  drover image promote tiny\n  drover image promote tiny 7ead0f65");
    add_text(*verb, "NAME", promoted->name, "", "The image")->required();
    add_text(*verb, "VERSION", promoted->version, "", "Its digest, or so much of it that no other is meant");
    on_chosen(verb, chosen, promoted, promote);

    auto rolled_back = std::make_shared<PromoteOptions>();
    verb = add_verb(*family, "rollback", "Have new guests get what they got before the last promotion",
                    "  drover image rollback tiny");
    add_text(*verb, "NAME", rolled_back->name, "", "The image")->required();
    on_chosen(verb, chosen, rolled_back, roll_back);

    auto removed = std::make_shared<WorkOptions>();
    verb = add_verb(*family, "remove", "Remove a version that no guest needs and new guests do not get",
                    "  drover image remove tiny 7ead0f65");
    add_text(*verb, "NAME", removed->name, "", "The image")->required();
    add_text(*verb, "VERSION", removed->version, "", "Its digest, or so much of it that no other is meant")->required();
    add_wait_options(*verb, removed->wait);
    on_chosen(verb, chosen, removed, remove);

    auto compared = std::make_shared<DiffOptions>();
    verb = add_verb(*family, "diff", "How a version differs from another: packages and files",
                    "  drover image diff 7ead0f65 91c0d2aa");
    add_text(*verb, "FROM", compared->from, "", "A version")->required();
    add_text(*verb, "TO", compared->to, "", "Another")->required();
    on_chosen(verb, chosen, compared, diff);

    auto verified = std::make_shared<VerifyOptions>();
    verb = add_verb(*family, "verify", "Read versions and hold them against their digests; 1 when one is damaged",
                    "  drover image verify\n  drover image verify 7ead0f65");
    add_text(*verb, "VERSION", verified->version, "", "Its digest, or how that begins; by default all");
    on_chosen(verb, chosen, verified, verify);

    auto listed = std::make_shared<SbomOptions>();
    verb = add_verb(*family, "sbom", "Print what a version is made of, as CycloneDX JSON",
                    "  drover image sbom tiny\n  drover image sbom 7ead0f65 >tiny.cdx.json");
    add_text(*verb, "VERSION", listed->what, "",
             "A version, or so much of its digest; or an image: what new guests get")
        ->required();
    on_chosen(verb, chosen, listed, sbom);
}

}  // namespace drover::cli
