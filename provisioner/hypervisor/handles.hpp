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

/// What libvirt allocated and leaves to its caller: a text, or an array of references that are owned one by one.
struct Free {
    // NOLINTNEXTLINE(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory): the unique_ptr is the owner
    void operator()(void* memory) const noexcept { std::free(memory); }
};
using TextHandle = std::unique_ptr<char, Free>;
template <typename T> using ArrayHandle = std::unique_ptr<T[], Free>;

}  // namespace drover
