#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "hypervisor/networks.hpp"
#include "model/guest.hpp"
#include "model/sync.hpp"

namespace drover {

/// The names of the guests: in the DNS of their networks, and on the host itself as a tagged block in /etc/hosts, where
/// the rest of the file stays as it is to the byte. Any thread.
class Names {
  public:
    /// `hosts_file`: /etc/hosts, or empty for no names on the host.
    Names(Networks& networks, std::string instance, std::string domain, std::string hosts_file);

    /// Makes exactly those known that `wanted` tells, and forgets what was left over. It is asked while no name can
    /// come or go, so that a name which is added meanwhile is not taken for a left-over.
    void replace(const std::function<std::vector<HostName>()>& wanted);
    /// Known when it returns. Repeated: nothing.
    void add(const HostName& host);
    /// Forgotten when it returns. Absent: nothing.
    void remove(Address address);
    /// Takes the block out of /etc/hosts, at the end.
    void withdraw();

  private:
    void write_block(const std::map<Address, HostName>& names) const;

    Networks& networks_;
    std::string instance_, domain_, hosts_file_;
    Synchronized<std::map<Address, HostName>> names_;
};

/// What is known of a guest. DHCP is for those of cloud images: whatever brings up their network, they find it.
HostName known_as(const Guest& guest, const NetworkPlan& networks);

/// `text` of a hosts file with the block of `instance` replaced by `lines` (one per host, without newline); without
/// lines the block goes. What is outside of the block does not change.
std::string with_block(const std::string& text, const std::string& instance, const std::vector<std::string>& lines);

}  // namespace drover
