#include "core/check/surroundings.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cfenv>
#include <clocale>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string_view>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

extern char **environ;

namespace halftone::check {

namespace {

#if defined(__SSE__)
constexpr std::uint32_t kFlushBits = 0x8040;  // flush to zero, denormals are zero
std::uint32_t flush_bits() {
  return _mm_getcsr() & kFlushBits;
}
void set_flush_bits(std::uint32_t bits) {
  _mm_setcsr((_mm_getcsr() & ~kFlushBits) | bits);
}
#else
std::uint32_t flush_bits() {
  return 0;
}
void set_flush_bits(std::uint32_t) {}
#endif

std::string working_folder() {
  std::error_code error;
  return std::filesystem::current_path(error).string();
}

std::uint32_t file_mask() {
  const mode_t mask = ::umask(022);
  ::umask(mask);
  return mask;
}

std::uint64_t environment_digest() {
  std::uint64_t sum = 0;
  for (char **entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    sum = sum * 31 + std::hash<std::string_view>()(*entry);
  return sum;
}

std::size_t entries_of(const char *folder) {
  std::error_code error;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator entry(folder, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    ++count;
  return count;
}

}  // namespace

Surroundings Surroundings::now() {
  Surroundings s;
  s.rounding_ = std::fegetround();
  s.flush_ = flush_bits();
  s.folder_ = working_folder();
  const char *locale = std::setlocale(LC_ALL, nullptr);
  s.locale_ = locale == nullptr ? "" : locale;
  s.mask_ = file_mask();
  ::pthread_sigmask(SIG_SETMASK, nullptr, &s.blocked_);
  for (int i = 1; i < kSignals; ++i) ::sigaction(i, nullptr, &s.handlers_[static_cast<std::size_t>(i)]);
  s.environment_ = environment_digest();
  return s;
}

std::vector<std::pair<std::string, std::string>> Surroundings::changes_since() const {
  std::vector<std::pair<std::string, std::string>> out;
  const Surroundings after = now();
  if (after.rounding_ != rounding_) {
    out.emplace_back("the rounding mode of floating-point numbers was changed", "put it back with fesetround()");
    std::fesetround(rounding_);
  }
  if (after.flush_ != flush_) {
    out.emplace_back("flushing of denormal numbers to zero was switched",
                     "put it back; no part of a plug-in may be linked with -ffast-math");
    set_flush_bits(flush_);
  }
  if (after.folder_ != folder_) {
    out.emplace_back("the working folder was changed to '" + after.folder_ + "'", "use absolute paths instead");
    if (::chdir(folder_.c_str()) != 0)
      out.emplace_back("the working folder is gone", "remove nothing that you did not make");
  }
  if (after.locale_ != locale_) {
    out.emplace_back("the locale was changed to '" + after.locale_ + "'", "use functions that take a locale");
    std::setlocale(LC_ALL, locale_.c_str());
  }
  if (after.mask_ != mask_) {
    out.emplace_back("the mask of new files' permissions was changed", "set permissions of the file itself");
    ::umask(mask_);
  }
  if (after.environment_ != environment_)
    out.emplace_back("an environment variable was changed", "take what you need as a parameter");
  for (int i = 1; i < kSignals; ++i) {
    const auto &was = handlers_[static_cast<std::size_t>(i)], &is = after.handlers_[static_cast<std::size_t>(i)];
    const bool blocked = sigismember(&blocked_, i) != sigismember(&after.blocked_, i);
    if (was.sa_handler == is.sa_handler && !blocked) continue;
    const char *name = ::sigabbrev_np(i);
    out.emplace_back(std::string("the handling of SIG") + (name == nullptr ? "?" : name) + " was changed",
                     "leave signals to the program");
    ::sigaction(i, &was, nullptr);
  }
  ::pthread_sigmask(SIG_SETMASK, &blocked_, nullptr);
  return out;
}

std::size_t thread_count() {
  return entries_of("/proc/self/task");
}

std::size_t open_file_count() {
  return entries_of("/proc/self/fd");
}

}  // namespace halftone::check
