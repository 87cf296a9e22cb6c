#include "storage/first_reading.hpp"

#include <pthread.h>

#include "model/thread.hpp"

namespace drover {
namespace {

constexpr int nice_to_all = 19;

/// Thrown out of a reading that nobody waits for.
struct Ending {};

}  // namespace

FirstReading::FirstReading(Roots& roots)
    : thread_([&roots](const std::stop_token& stop) {
          pthread_setname_np(pthread_self(), "first-reading");
          be_nice(nice_to_all);
          try {
              roots.read_all([&stop] {
                  if (stop.stop_requested()) throw Ending{};
              });
          } catch (const Ending&) {
              return;
          }
      }) {}

}  // namespace drover
