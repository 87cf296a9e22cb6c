// How jemalloc, which serves the whole daemon, keeps memory: read by it before main(), see jemalloc(3), TUNING. glibc's
// malloc either has all threads wait for one arena or lets dozens of short-lived ones, a call to libvirt each, leave
// their gaps behind, and grows for ever. One arena with small caches for each thread serves them all, and what nobody
// needed for 10 ms goes back to the host.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "narenas:1,tcache_max:1024,tcache_nslots_small_max:64,dirty_decay_ms:10,muzzy_decay_ms:0";
}
