#include <fmt/format.h>

#include <ostream>

#include "cli/output.hpp"
#include "cli/verbs.hpp"
#include "cli/wait.hpp"
#include "model/names.hpp"

namespace drover::cli {
namespace {

struct ListOptions {};

struct BuildOptions {
    std::string name;
    WaitOptions wait;
};

int list(Context& context, const ListOptions&) {
    const auto images = Client(context.socket).get("/v1/images");
    if (context.json) {
        print_json(context.console, images);
        return 0;
    }
    Table table({"IMAGE", "VERSION", "CURRENT", "PROMOTED", "GUESTS", "MIB"});
    for (const auto& image : images) {
        table.add({field(image, "image"), field(image, "version").substr(0, 19),
                   image.value("current", false) ? "yes" : "", field(image, "promoted"), field(image, "guests"),
                   fmt::format("{}", image.value("bytes", 0LL) >> 20)});
    }
    table.print(context.console);
    return 0;
}

wire::Json summary(const Operation& operation) {
    return {
        {"operation", operation_name(operation.id)}, {"outcome", operation.outcome}, {"message", operation.message}};
}

int build(Context& context, const BuildOptions& options) {
    check_plain_name("image", options.name);
    const auto timeout = timeout_of(options.wait);
    Client client(context.socket);
    const auto target = "/v1/images/" + wire::escape(options.name) + "/build";
    auto operation = wire::decode_operation(client.post(target, wire::Json::object()));
    if (!operation.finished && !options.wait.no_wait) operation = follow(context, client, operation.id, timeout);
    if (operation.finished && operation.outcome != "done") {
        throw Error(ErrorKind::failed,
                    fmt::format("build of image '{}' {}: {}", options.name, operation.outcome, operation.message),
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

}  // namespace

void add_image(CLI::App& app, Action& chosen) {
    auto* family = add_verb(app, "image", "Images: list, build", "  drover image list\n  drover image build tiny");
    family->require_subcommand(0, 1);
    auto* listing = add_verb(*family, "list", "List images and their versions", "  drover image list --json");
    on_chosen(listing, chosen, std::make_shared<ListOptions>(), list);
    auto options = std::make_shared<BuildOptions>();
    auto* verb = add_verb(*family, "build", "Build an image by its recipe; new guests get the new version",
                          "  drover image build tiny\n  drover image build debian --timeout 0");
    add_text(*verb, "NAME", options->name, "", "The image")->required();
    add_wait_options(*verb, options->wait);
    on_chosen(verb, chosen, options, build);
}

}  // namespace drover::cli
