// How jemalloc, which serves the whole daemon, keeps memory: read by it before main(), see jemalloc(3), TUNING. glibc's
// malloc either has all threads wait for one arena or lets dozens of short-lived ones, a call to libvirt each, leave
// their gaps behind, and grows for ever. Two arenas serve them all, and pages that are free go back to the host at once.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "narenas:2,dirty_decay_ms:0,muzzy_decay_ms:0";
}
