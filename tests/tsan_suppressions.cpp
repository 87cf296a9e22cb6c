// libvirt, GLib and the C++ runtime are not compiled with ThreadSanitizer, which then cannot see how they synchronise.
extern "C" const char* __tsan_default_suppressions() {
    return "called_from_lib:libvirt.so\n"
           "called_from_lib:libglib-2.0.so\n"
           "race:libvirt.so\n"
           "race:libglib-2.0.so\n"
           "race:libtirpc.so\n"
           "race:std::__exception_ptr\n";
}
