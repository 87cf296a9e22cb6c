#pragma once
#include <libvirt/libvirt.h>

#include <nlohmann/json.hpp>
#include <string>

namespace drover {

/// The monitor of a running QEMU, through libvirt, for what libvirt itself has no call for. For this room only.
class Monitor {
  public:
    /// `name` of the domain is for messages; the domain must outlive this.
    Monitor(virDomainPtr domain, std::string name) : domain_(domain), name_(std::move(name)) {}

    /// What QEMU returns. Error{failed} with its message.
    [[nodiscard]] nlohmann::json ask(const std::string& command, const nlohmann::json& arguments = {}) const;
    /// Hands it an open file under a name.
    void give(const std::string& file_name, int file) const;

  private:
    [[nodiscard]] nlohmann::json returned(const std::string& command, int result, char* reply) const;

    virDomainPtr domain_;
    std::string name_;
};

}  // namespace drover
