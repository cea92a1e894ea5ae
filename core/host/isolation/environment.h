// What a component must leave as it found it: settings of the thread and of the process that others compute under.
#pragma once

#include <signal.h>

#include <cstdint>
#include <string>

namespace halftone::host {

// How the thread that makes it computes with floating point.
class FloatMode {
 public:
  FloatMode();
  // See Environment. Costs nothing to speak of: for calls that are made for every sample.
  std::string restore() const;

 private:
  std::uint64_t control_;
  int rounding_;
};

// Whether this thread is in a call of a component that must leave everything as it was (guarded.cpp).
bool &is_watched() noexcept;

class Environment {
 public:
  // As it is now.
  Environment();
  ~Environment();
  Environment(const Environment &) = delete;
  Environment &operator=(const Environment &) = delete;

  // Puts back what was changed since, and says what it was: "the rounding mode of floating point"; empty when nothing
  // was. On the thread that made this object.
  std::string restore() const;

 private:
  FloatMode float_mode_;
  int folder_ = -1;  // the working directory
  std::string locale_;
  void *thread_locale_;
  sigset_t signals_;
  unsigned umask_;
};

}  // namespace halftone::host
