#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/requests.hpp"

namespace drover {

class Session;

/// Images: their versions, and which of these new guests get.
class Images {
  public:
    explicit Images(Session& session) : session_(session) {}
    /// There is this version: it was built, or found on the disk. The first of an image is what its new guests get.
    void add(const std::string& image, const std::string& digest);
    struct Named {
        std::string image, digest;
    };
    /// The version that `text` means: its digest, with or without "sha256:", or so much of the beginning of it that no
    /// other is meant. Error{not_found}, Error{refused} when it may be several.
    Named meant(const std::string& text);
    /// The same among those of one image.
    Named meant(const std::string& image, const std::string& text);
    /// Makes `digest` the version that new guests of the image get; nothing: the one built last. Returns it. An
    /// operation, ended at once. Error{not_found} when there is no such version.
    std::string promote(const Caller& caller, const std::string& image, const std::optional<std::string>& digest);
    /// New guests get what they got before the last promotion; done twice, nothing has changed. Returns it. An
    /// operation, ended at once. Error{refused} when they never got anything else.
    std::string roll_back(const Caller& caller, const std::string& image);
    /// Begins to remove it: nothing refers to it from now on. Repeatable. Error{refused} while new guests get it, or a
    /// guest wants, has or could go back to it, naming some; Error{not_found}.
    OperationId begin_removal(const Caller& caller, const std::string& image, const std::string& digest);
    /// It is gone from the disk.
    void end_removal(const std::string& image, const std::string& digest);
    /// Error{not_found} "no image 'x'" with the hint "drover image build x".
    std::string current(const std::string& image);
    struct Row {
        std::string image, digest;
        Time built;
        std::optional<Time> promoted;  ///< of the version that new guests get: since when
        long long guests = 0;          ///< that want or have it, not gone
    };
    /// All versions but those that are being removed, by image, the newest first.
    std::vector<Row> list();

  private:
    Session& session_;
};

}  // namespace drover
