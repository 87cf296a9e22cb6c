#include "guest/modules.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>

#include "guest/files.hpp"
#include "model/unique_fd.hpp"

namespace fs = std::filesystem;

namespace drover::guest {

void load_modules(const fs::path& folder) {
    const auto order = read_if_there(folder / "order").value_or("");
    std::string_view rest = order;
    while (!rest.empty()) {
        const auto name = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), name.size() + 1));
        const UniqueFd file(open((folder / name).c_str(), O_RDONLY | O_CLOEXEC));
        if (!file) fail("cannot open the module " + std::string(name));
        if (syscall(SYS_finit_module, file.get(), "", 0) != 0 && errno != EEXIST)
            fail("cannot load the module " + std::string(name));
    }
}

}  // namespace drover::guest
