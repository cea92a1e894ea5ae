#include "core/host/isolation/environment.h"

#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cfenv>
#include <clocale>
#include <cstdio>
#include <cstring>
#include <fstream>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace halftone::host {
namespace {

// Rounding, flush-to-zero, denormals-are-zero and the traps; not the flags that any computation raises.
std::uint64_t float_control() {
#if defined(__SSE__)
  return _mm_getcsr() & ~0x3FU;
#elif defined(__aarch64__)
  std::uint64_t control = 0;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  return control;
#else
  return 0;
#endif
}

void set_float_control(std::uint64_t control) {
#if defined(__SSE__)
  _mm_setcsr((_mm_getcsr() & 0x3FU) | static_cast<unsigned>(control));
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(control));
#else
  (void)control;
#endif
}

// There is no call that asks without changing; files that other threads make in between get the mask of nobody, so the
// system's own account is read instead.
unsigned current_umask() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    unsigned mask = 0;
    if (std::sscanf(line.c_str(), "Umask: %o", &mask) == 1) return mask;
  }
  return ~0U;
}

bool same_folder(int a, int b) {
  struct stat one {
  }, other{};
  return ::fstat(a, &one) == 0 && ::fstat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

void add(std::string &changed, const char *what) {
  changed += (changed.empty() ? "" : ", ") + std::string(what);
}

}  // namespace

bool &is_watched() noexcept {
  thread_local bool watched = false;
  return watched;
}

FloatMode::FloatMode() : control_(float_control()), rounding_(std::fegetround()) {}

std::string FloatMode::restore() const {
  std::string changed;
  if (std::fegetround() != rounding_) {
    add(changed, "the rounding mode of floating point");
    std::fesetround(rounding_);
  }
  if (float_control() != control_) {
    add(changed, "the floating-point mode (denormals or traps)");
    set_float_control(control_);
  }
  return changed;
}

Environment::Environment()
    : folder_(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)),
      locale_(std::setlocale(LC_ALL, nullptr)),
      thread_locale_(::uselocale(nullptr)),
      umask_(current_umask()) {
  ::pthread_sigmask(SIG_SETMASK, nullptr, &signals_);
}

Environment::~Environment() {
  if (folder_ >= 0) ::close(folder_);
}

std::string Environment::restore() const {
  std::string changed = float_mode_.restore();
  const auto note = [&](const char *what) { add(changed, what); };
  const int folder = ::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder_ >= 0 && !same_folder(folder, folder_)) {
    note("the working directory");
    if (::fchdir(folder_) != 0) note("(it could not be put back)");
  }
  if (folder >= 0) ::close(folder);
  if (::uselocale(nullptr) != thread_locale_) {
    note("the locale of the thread");
    ::uselocale(static_cast<locale_t>(thread_locale_));
  }
  if (locale_ != std::setlocale(LC_ALL, nullptr)) {
    note("the locale");
    std::setlocale(LC_ALL, locale_.c_str());
  }
  sigset_t signals;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &signals);
  for (int number = 1; number < NSIG; ++number) {
    if (::sigismember(&signals, number) == ::sigismember(&signals_, number)) continue;
    note("the signal mask");
    ::pthread_sigmask(SIG_SETMASK, &signals_, nullptr);
    break;
  }
  if (umask_ != ~0U && current_umask() != umask_) {
    note("the umask");
    ::umask(umask_);
  }
  return changed;
}

}  // namespace halftone::host
