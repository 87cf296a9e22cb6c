#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "model/error.hpp"
#include "model/profile.hpp"
#include "registry/operations.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"
#include "registry/versions.hpp"

namespace drover {
namespace {

Error no_image(const std::string& image) {
    return {ErrorKind::not_found, fmt::format("no image '{}'", image), fmt::format("drover image build {}", image)};
}

Error no_version(const std::optional<std::string>& image, const std::string& version) {
    return {ErrorKind::not_found,
            fmt::format("{} no version '{}'", image ? fmt::format("image '{}' has", *image) : "there is", version),
            "drover image list"};
}

/// What new guests get, and got before.
struct Promotion {
    std::string digest, previous;
};

std::optional<Promotion> promotion_of(soci::session& sql, const std::string& image) {
    const auto row = first<std::tuple<std::string, std::string>>(
        sql, "SELECT digest, previous FROM images WHERE name = :image", image);
    if (!row) return std::nullopt;
    return Promotion{std::get<0>(*row), std::get<1>(*row)};
}

/// New guests of the image get `digest` from now on.
void write_promotion(Transaction& transaction, const std::string& image, const std::string& digest) {
    const auto before = promotion_of(transaction.sql, image);
    if (before && before->digest == digest) return;
    write(transaction.sql,
          "INSERT INTO images (name, digest, promoted, previous) VALUES (:name, :digest, :promoted, '') "
          "ON CONFLICT (name) DO UPDATE SET digest = excluded.digest, promoted = excluded.promoted, "
          "previous = images.digest",
          image, digest, transaction.now);
    add_event(transaction, {.kind = "image", .message = fmt::format("new guests of '{}' get {}", image, digest)});
}

OperationId begin_image_operation(Transaction& transaction, const Caller& caller, const std::string& verb,
                                  const std::string& image, const std::string& digest) {
    const auto arguments = nlohmann::json{{"image", image}, {"version", digest}}.dump();
    return begin_operation(transaction, {.who = caller.who(), .verb = verb, .arguments = arguments});
}

/// Guests that hold on to the version, by natural order. What is kept of a retired guest of a cloud image is on it,
/// too.
std::vector<Guest> users_of(soci::session& sql, const std::string& image, const std::string& digest) {
    auto guests = read_guests(sql,
                              "WHERE image = :image AND ((phase <> 'gone' AND (want_version = :wanted OR "
                              "have_version = :had OR good = :good OR previous = :previous)) OR (profile = :cloud AND "
                              "id IN (SELECT guest FROM copies WHERE file = '' AND version = :kept)))",
                              image, digest, digest, digest, digest, std::string(cloud_profile), digest);
    sort_naturally(guests);
    return guests;
}

void check_unused(soci::session& sql, const std::string& image, const std::string& digest) {
    const auto promotion = promotion_of(sql, image);
    if (promotion && promotion->digest == digest) {
        throw Error(ErrorKind::refused, fmt::format("new guests of '{}' get {}", image, digest),
                    fmt::format("promote another first: drover image promote {} VERSION", image));
    }
    const auto users = users_of(sql, image, digest);
    if (users.empty()) return;
    throw Error(ErrorKind::refused,
                fmt::format("{} is needed by {}{}", digest, users.front().name,
                            users.size() == 1 ? "" : fmt::format(" and {} more", users.size() - 1)),
                "they run it, are to run it, or could go back to it: upgrade or retire them first");
}

}  // namespace

bool is_version(soci::session& sql, const std::string& image, const std::string& digest) {
    return first<long long>(sql,
                            "SELECT removing FROM versions WHERE image = :image AND digest = :digest AND removing = 0",
                            image, digest)
        .has_value();
}

Images::Named named_version(soci::session& sql, const std::string& text, const std::optional<std::string>& image) {
    const std::string algorithm = "sha256:";
    const auto prefix = text.starts_with(algorithm) ? text : algorithm + text;
    std::vector<Images::Named> found;
    for (auto& [its_image, digest] : rows<std::tuple<std::string, std::string>>(
             sql, "SELECT image, digest FROM versions WHERE removing = 0 ORDER BY image, digest"))
        if (digest.starts_with(prefix) && image.value_or(its_image) == its_image) found.push_back({its_image, digest});
    if (found.empty() || prefix == algorithm) throw no_version(image, text);
    if (found.size() == 1) return found.front();
    throw Error(ErrorKind::refused, fmt::format("'{}' may be {} versions", text, found.size()),
                "give more of its digest: drover image list --json");
}

std::optional<std::string> promoted_version(soci::session& sql, const std::string& image) {
    const auto promotion = promotion_of(sql, image);
    return promotion ? std::optional(promotion->digest) : std::nullopt;
}

void Images::add(const std::string& image, const std::string& digest) {
    session_.transact("commit.image", [&](Transaction& transaction) {
        write(transaction.sql,
              "INSERT INTO versions (image, digest, built) VALUES (:image, :digest, :built) "
              "ON CONFLICT (image, digest) DO UPDATE SET built = excluded.built, removing = 0",
              image, digest, transaction.now);
        if (!promotion_of(transaction.sql, image)) write_promotion(transaction, image, digest);
    });
}

Images::Named Images::meant(const std::string& text) {
    return session_.read([&](Transaction& transaction) { return named_version(transaction.sql, text); });
}

Images::Named Images::meant(const std::string& image, const std::string& text) {
    return session_.read([&](Transaction& transaction) { return named_version(transaction.sql, text, image); });
}

std::string Images::promote(const Caller& caller, const std::string& image, const std::optional<std::string>& digest) {
    return session_.transact("commit.image", [&](Transaction& transaction) {
        const auto newest = first<std::string>(transaction.sql,
                                               "SELECT digest FROM versions WHERE image = :image AND removing = 0 "
                                               "ORDER BY built DESC, digest LIMIT 1",
                                               image);
        if (!newest) throw no_image(image);
        const auto chosen = digest.value_or(*newest);
        if (!is_version(transaction.sql, image, chosen)) throw no_version(image, chosen);
        const auto id = begin_image_operation(transaction, caller, "image-promote", image, chosen);
        write_promotion(transaction, image, chosen);
        end_operation(transaction, id, "done", chosen);
        return chosen;
    });
}

std::string Images::roll_back(const Caller& caller, const std::string& image) {
    return session_.transact("commit.image", [&](Transaction& transaction) {
        const auto promotion = promotion_of(transaction.sql, image);
        if (!promotion) throw no_image(image);
        if (!is_version(transaction.sql, image, promotion->previous)) {
            throw Error(ErrorKind::refused, fmt::format("new guests of '{}' got nothing else before", image),
                        fmt::format("choose a version: drover image promote {} VERSION", image));
        }
        const auto id = begin_image_operation(transaction, caller, "image-rollback", image, promotion->previous);
        write_promotion(transaction, image, promotion->previous);
        end_operation(transaction, id, "done", promotion->previous);
        return promotion->previous;
    });
}

OperationId Images::begin_removal(const Caller& caller, const std::string& image, const std::string& digest) {
    return session_.transact("commit.image", [&](Transaction& transaction) {
        check_unused(transaction.sql, image, digest);
        const auto marked =
            write(transaction.sql, "UPDATE versions SET removing = 1 WHERE image = :image AND digest = :digest", image,
                  digest);
        if (marked == 0) throw no_version(image, digest);
        write(transaction.sql, "UPDATE images SET previous = '' WHERE name = :image AND previous = :digest", image,
              digest);
        return begin_image_operation(transaction, caller, "image-remove", image, digest);
    });
}

void Images::end_removal(const std::string& image, const std::string& digest) {
    session_.transact("commit.image", [&](Transaction& transaction) {
        write(transaction.sql, "DELETE FROM versions WHERE image = :image AND digest = :digest AND removing = 1", image,
              digest);
    });
}

std::string Images::current(const std::string& image) {
    return session_.read([&](Transaction& transaction) {
        const auto promotion = promotion_of(transaction.sql, image);
        if (!promotion) throw no_image(image);
        return promotion->digest;
    });
}

std::vector<Images::Row> Images::list() {
    return session_.read([](Transaction& transaction) {
        using Columns = std::tuple<std::string, std::string, Time, std::optional<Time>, long long>;
        std::vector<Row> result;
        for (const auto& [image, digest, built, promoted, guests] :
             rows<Columns>(transaction.sql,
                           "SELECT v.image, v.digest, v.built, (SELECT i.promoted FROM images i WHERE i.name = v.image "
                           "AND i.digest = v.digest), (SELECT count(*) FROM guests g WHERE g.phase <> 'gone' "
                           "AND g.image = v.image AND (g.want_version = v.digest OR g.have_version = v.digest)) "
                           "FROM versions v WHERE v.removing = 0 ORDER BY v.image, v.built DESC, v.digest")) {
            result.push_back({image, digest, built, promoted, guests});
        }
        return result;
    });
}

}  // namespace drover
