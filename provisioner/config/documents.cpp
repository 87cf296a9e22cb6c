#include "config/documents.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>

namespace drover {
namespace {

/// Notes where the latest document began; what is in it is not its business.
class Beginning : public YAML::EventHandler {
  public:
    int line = 0;

    void OnDocumentStart(const YAML::Mark& mark) override { line = mark.line + 1; }
    void OnDocumentEnd() override {}
    // NOLINTBEGIN(readability-named-parameter): none of these is looked at.
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
    // NOLINTEND(readability-named-parameter)
    void OnMapEnd() override {}
};

}  // namespace

std::optional<int> second_document(const std::string& text) {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    Beginning beginning;
    const bool two = parser.HandleNextDocument(beginning) && parser.HandleNextDocument(beginning);
    return two ? std::optional(beginning.line) : std::nullopt;
}

}  // namespace drover
