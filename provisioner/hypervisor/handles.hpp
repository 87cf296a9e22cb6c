#pragma once
#include <libvirt/libvirt.h>

#include <cstdlib>
#include <memory>

namespace drover {

/// Gives a reference to a libvirt object back.
template <auto release> struct Release {
    template <typename T> void operator()(T* object) const noexcept { release(object); }
};

/// Owned references to libvirt's objects: null for none.
using ConnectHandle = std::unique_ptr<virConnect, Release<virConnectClose>>;
using DomainHandle = std::unique_ptr<virDomain, Release<virDomainFree>>;
using NetworkHandle = std::unique_ptr<virNetwork, Release<virNetworkFree>>;

/// A string that libvirt allocated.
struct FreeText {
    void operator()(char* text) const noexcept { std::free(text); }
};
using TextHandle = std::unique_ptr<char, FreeText>;

}  // namespace drover
