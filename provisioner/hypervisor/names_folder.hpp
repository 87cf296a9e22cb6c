#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hypervisor/networks.hpp"
#include "model/sync.hpp"

namespace drover {

/// A folder that a network's DNS server watches: a small file for each name, called by its address. A change costs the
/// same however many names there are. It belongs to one network alone. Thread-safe. Error{failed} naming the path.
class NamesFolder {
  public:
    /// Touches nothing yet. Beside `path` there may be a file `path`.new for a moment.
    explicit NamesFolder(std::string path);

    [[nodiscard]] const std::string& path() const { return path_; }
    /// Makes it, open to the account that the DNS server runs under.
    void make();
    /// Removes it and all that is in it; absent: nothing.
    void remove();

    /// The address has this name, and no other address has it. Error{usage} for what is no name of a host.
    void put(const HostName& host);
    /// The address has no name; absent: nothing.
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

    std::string path_;
    Synchronized<Known> known_;
};

}  // namespace drover
