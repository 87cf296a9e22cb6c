#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): clock_gettime is POSIX's
#include <unistd.h>

extern "C" {

// How jemalloc, which serves the whole daemon, keeps memory: read by it before main(), see jemalloc(3), TUNING. glibc's
// malloc either has all threads wait for one arena or lets dozens of short-lived ones, a call to libvirt each, leave
// their gaps behind, and grows for ever. One arena with small caches for each thread serves them all, and what nobody
// needed for 10 ms goes back to the host.
extern const char* malloc_conf;
const char* malloc_conf = "narenas:1,tcache_max:1024,tcache_nslots_small_max:64,dirty_decay_ms:10,muzzy_decay_ms:0";

// Whoever gives this program another wall clock (libfaketime) stands before these two, which jemalloc calls while it
// begins, and allocates memory while he begins himself: each would wait for the other. So jemalloc, and with it our own
// code, goes past him. The names are the linker's, see --wrap in ld(1). NOLINTBEGIN(*-reserved-identifier, cert-dcl*)
int __real_pthread_cond_init(pthread_cond_t* condition, const pthread_condattr_t* attributes);

int __wrap_pthread_cond_init(pthread_cond_t* condition, const pthread_condattr_t* attributes) {
    if (attributes != nullptr) return __real_pthread_cond_init(condition, attributes);
    *condition = PTHREAD_COND_INITIALIZER;
    return 0;
}

int __wrap_clock_gettime(clockid_t clock, timespec* time) {
    return static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
}
// NOLINTEND(*-reserved-identifier, cert-dcl*)
}
