#include "hypervisor/xml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "model/error.hpp"

namespace drover::xml {
namespace {

bool is_forbidden(wchar_t c) {
    return c < 0x20 || c == 0x7f || (c >= 0xd800 && c <= 0xdfff) || c == 0xfffe || c == 0xffff || c > 0x10ffff;
}

std::string checked(const char* where, std::string_view text) {
    std::string copy(text);
    // pugixml drops what is no UTF-8 when it decodes: text that survives the way there and back was valid.
    const auto wide = pugi::as_wide(copy);
    const bool valid = copy.find('\0') == std::string::npos && pugi::as_utf8(wide) == copy;
    if (!valid || std::any_of(wide.begin(), wide.end(), is_forbidden))
        throw Error(ErrorKind::usage, fmt::format("{} {:?} has a character that XML cannot hold", where, copy));
    return copy;
}

}  // namespace

pugi::xml_node add(pugi::xml_node parent, const char* name,
                   std::initializer_list<std::pair<const char*, std::string_view>> attributes, std::string_view text) {
    auto node = parent.append_child(name);
    for (const auto& [key, value] : attributes) node.append_attribute(key) = checked(key, value).c_str();
    if (!text.empty()) node.text() = checked(name, text).c_str();
    return node;
}

std::string print(const pugi::xml_node& node) {
    std::ostringstream out;
    node.print(out, "  ", pugi::format_indent | pugi::format_no_declaration);
    return out.str();
}

pugi::xml_document parse(std::string_view text, std::string_view what) {
    pugi::xml_document document;
    // Text in elements is kept as it is, blanks at its ends included.
    const auto result =
        document.load_buffer(text.data(), text.size(), pugi::parse_default | pugi::parse_ws_pcdata_single);
    if (!result) throw Error(ErrorKind::failed, fmt::format("{}: no well-formed XML: {}", what, result.description()));
    return document;
}

}  // namespace drover::xml
