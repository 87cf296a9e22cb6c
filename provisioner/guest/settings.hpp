#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "guest/keys.hpp"

namespace drover::guest {

/// A file that is made of `form`, with its @NAME@ and @OWNER@ filled in, as long as nothing is in its folder.
struct FirstPage {
    std::string form, file;  ///< empty: none
    bool operator==(const FirstPage&) const = default;
};

/// What an image tells the guest's end about itself, in /etc/drover/guest.conf: lines of `key value`, `#` for comments.
struct Settings {
    KeyFormat host_key_format = KeyFormat::openssh;              ///< `dropbear` or `openssh`
    std::string host_key = "/etc/ssh/ssh_host_ed25519_key";      ///< the ssh server's private host key
    std::string authorized_keys = "/root/.ssh/authorized_keys";  ///< of the login that users get
    std::string started;  ///< program run after an identity took effect and before READY; empty: none
    FirstPage first_page;
    std::string settled;             ///< program run by a template, which ends once all is up and at rest; empty: none
    std::vector<std::string> renew;  ///< programs run by a fork, in this order, before it is a guest
    bool by_cloud_init =
        false;                 ///< `identity_by cloud-init` (or `drover`): name, address and all but keys come from it
    int power_off_signal = 0;  ///< `SIGUSR2` (busybox) or `SIGRTMIN+4` (systemd): makes init power off

    bool operator==(const Settings&) const = default;
};

/// Reads guest.conf. Error{usage} naming the line: unknown key or value, a key but `renew` said twice, no
/// `power_off_signal`.
Settings parse_settings(std::string_view text);

}  // namespace drover::guest
