#pragma once
#include <string>

#include "storage/manifest.hpp"

namespace drover {

/// What a version is made of, as CycloneDX 1.5 JSON with a newline at its end: its Debian packages with their versions
/// and package URLs. Of the manifest alone, so that equal versions have equal ones: no times, and a serial number made
/// from the digest.
std::string sbom_of(const Manifest& manifest);

}  // namespace drover
