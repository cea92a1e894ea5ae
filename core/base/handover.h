// What passes from one thread to another inside of oneTBB, told to the thread sanitizer: the library is not
// instrumented, so that what its queues order would look like a race. Does nothing in other builds.
#pragma once

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace halftone {

// Whoever takes sees all that was done before each give() so far. Those who only give, or only take, stay unordered
// among themselves, so that a race between them is found.
class Handover {
 public:
#if defined(__SANITIZE_THREAD__)
  void give() {
    __tsan_release(this);
  }
  void take() {
    __tsan_acquire(this);
  }

 private:
  char address_ = 0;
#else
  void give() {}
  void take() {}
#endif
};

// A step that one thread at a time takes, each time after all times before.
class HandoverInTurn {
 public:
  explicit HandoverInTurn(Handover &handover) : handover_(handover) { handover_.take(); }
  ~HandoverInTurn() { handover_.give(); }
  HandoverInTurn(const HandoverInTurn &) = delete;
  HandoverInTurn &operator=(const HandoverInTurn &) = delete;

 private:
  Handover &handover_;
};

}  // namespace halftone
