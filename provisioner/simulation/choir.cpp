#include "simulation/choir.hpp"

namespace drover {

nlohmann::json to_json(const FakeGuest::Memory& memory) {
    return {{"boot_id", memory.boot_id},
            {"host_key", memory.host_key},
            {"ready", memory.ready},
            {"forkable", memory.forkable},
            {"refuses", memory.refuses}};
}

FakeGuest::Memory memory_of(const nlohmann::json& json) {
    if (json.is_null()) return {};
    return {json.at("boot_id"), json.at("host_key"), json.at("ready"), json.value("forkable", false),
            json.value("refuses", false)};
}

}  // namespace drover
