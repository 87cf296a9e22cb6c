#include <fmt/format.h>

#include "model/error.hpp"
#include "registry/operations.hpp"
#include "registry/registry.hpp"
#include "registry/sql.hpp"

namespace drover {

void Images::promote(const std::string& image, const std::string& digest) {
    session_.transact("commit.image", [&](Transaction& transaction) {
        write(transaction.sql,
              "INSERT INTO images (name, digest, promoted) VALUES (:name, :digest, :promoted) "
              "ON CONFLICT (name) DO UPDATE SET digest = excluded.digest, promoted = excluded.promoted",
              image, digest, transaction.now);
        add_event(transaction, {.kind = "image", .message = fmt::format("new guests of '{}' get {}", image, digest)});
    });
}

std::string Images::current(const std::string& image) {
    return session_.read([&](Transaction& transaction) {
        auto digest = first<std::string>(transaction.sql, "SELECT digest FROM images WHERE name = :image", image);
        if (digest) return *digest;
        throw Error(ErrorKind::not_found, fmt::format("no image '{}'", image),
                    fmt::format("drover image build {}", image));
    });
}

std::vector<Images::Row> Images::list() {
    return session_.read([](Transaction& transaction) {
        std::vector<Row> result;
        for (const auto& [image, digest, promoted, guests] :
             rows<std::tuple<std::string, std::string, Time, long long>>(
                 transaction.sql,
                 "SELECT name, digest, promoted, (SELECT count(*) FROM guests g WHERE g.phase <> 'gone' "
                 "AND g.image = images.name AND (g.want_version = images.digest OR g.have_version = images.digest)) "
                 "FROM images ORDER BY name")) {
            result.push_back({image, digest, promoted, guests});
        }
        return result;
    });
}

long long Images::guests_of(const std::string& digest) {
    return session_.read([&](Transaction& transaction) {
        return *first<long long>(transaction.sql,
                                 "SELECT count(*) FROM guests WHERE phase <> 'gone' "
                                 "AND (want_version = :wanted OR have_version = :had)",
                                 digest, digest);
    });
}

}  // namespace drover
