#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hypervisor/networks.hpp"
#include "model/sync.hpp"

namespace drover {

/// Two folders that the DNS and DHCP servers of an instance's networks watch: in one a small file for each name, in the
/// other for each reservation, called by the IPv4 address. A change costs the same however many there are. Thread-safe.
/// Error{failed} naming the path.
class NamesFolder {
  public:
    /// Touches nothing yet. Beside each there may be a file called as it and ".new" for a moment.
    NamesFolder(std::string path, std::string reservations);

    [[nodiscard]] const std::string& path() const { return path_; }
    /// Makes both, open to the account that the DNS server runs under.
    void make();
    /// Removes both and all that is in them; absent: nothing.
    void remove();

    /// The address has this name, and no other address has it; DHCP gives it to the MAC, or to nobody. Error{usage} for
    /// what is no name of a host.
    void put(const HostName& host);
    /// The address has no name, and DHCP gives it to nobody; absent: nothing.
    void drop(Address address);
    /// All names by address, read anew; "" where a file does not say just its address and one name. What is not called
    /// by an address is left out. A folder that is not there is empty.
    std::vector<HostName> read();

  private:
    /// What was read or written last: a name's other address is found without reading all files. Nothing until then.
    using Known = std::optional<std::map<std::string, Address>>;

    std::vector<HostName> read_into(Known& known) const;
    void forget(Known& known, Address address) const;
    [[nodiscard]] bool has_name(Address address, const std::string& name) const;
    void unlink_file(Address address) const;
    [[nodiscard]] std::string file_of(Address address) const;
    void put_reservation(const HostName& host) const;
    void add_reservations(std::vector<HostName>& hosts) const;

    std::string path_, reservations_;
    Synchronized<Known> known_;
};

}  // namespace drover
