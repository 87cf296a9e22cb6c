#include "registry/guest_writer.hpp"

#include <fmt/format.h>

#include "model/names.hpp"

namespace drover {
namespace {

/// 32 random hex digits.
std::string new_machine_id(boost::uuids::random_generator& random) {
    const auto bytes = random();
    return fmt::format("{:02x}", fmt::join(bytes, ""));
}

}  // namespace

std::string name_counter(const std::string& prefix) { return "names/" + prefix; }

GuestWriter::GuestWriter(Transaction& transaction, Guest pattern, const std::string& names, std::string size)
    : guest_(std::move(pattern)),
      names_(names),
      size_(std::move(size)),
      ids_(transaction.sql, "guest"),
      numbers_(transaction.sql, name_counter(names)),
      insert_(transaction.sql) {
    prepare(
        insert_,
        "INSERT INTO guests (id, name, owner, kind, image, profile, host, address, mac, phase, desired, "
        "want_version, want_overlay, want_boot, since, operation, created, machine_id, pool, size, network) VALUES "
        "(:id, "
        ":name, :owner, :kind, :image, :profile, :host, :address, :mac, :phase, :desired, :want_version, "
        ":want_overlay, :want_boot, :since, :operation, :created, :machine_id, :pool, :size, :network) ON CONFLICT DO "
        "NOTHING",
        guest_.id, guest_.name, guest_.owner, guest_.kind, guest_.image, guest_.profile, guest_.host, guest_.address,
        mac_, guest_.phase, guest_.desired, guest_.want.version, guest_.want.overlay, guest_.want.boot, guest_.since,
        guest_.operation, guest_.created, guest_.machine_id, guest_.pool, size_, guest_.network);
}

const Guest& GuestWriter::add(Address address) {
    guest_.address = address;
    guest_.machine_id = new_machine_id(random_);
    do {
        guest_.id = ids_.next();
        guest_.name = guest_name(names_, numbers_.next());
        mac_ = mac_of(guest_.id);  // may be a living guest's, 2^24 ids ago
        insert_.execute(true);
    } while (insert_.get_affected_rows() == 0);
    return guest_;
}

void GuestWriter::finish() const {
    ids_.store();
    numbers_.store();
}

}  // namespace drover
