#pragma once
#include <initializer_list>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>

/// Small helpers around pugixml, for this room only.
namespace drover::xml {

/// Appends an element. Error{usage} naming a text that XML cannot hold: a control character, or no valid UTF-8.
pugi::xml_node add(pugi::xml_node parent, const char* name,
                   std::initializer_list<std::pair<const char*, std::string_view>> attributes = {},
                   std::string_view text = "");

/// The document as libvirt takes it: two spaces of indent, no declaration.
std::string print(const pugi::xml_node& node);

/// Reads a document. Error{failed} naming `what` when it is not well-formed.
pugi::xml_document parse(std::string_view text, std::string_view what);

}  // namespace drover::xml
