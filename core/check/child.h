// A piece of work in a child process that may die or hang: what it told before is kept.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/check/check.h"

namespace halftone::check {

// The child's end: tells the parent step by step.
class Reporter {
 public:
  Reporter(int pipe, std::uint64_t first) : pipe_(pipe), first_(first) {}
  // A step begins; false where a child before this one was lost in it or had done it.
  bool begin(const std::string &component, const std::string &what);
  // What is told belongs to the step that was begun last.
  void tell(Severity severity, const std::string &text, const std::string &remedy);
  // Of an attempt: whether it ran to its end, or was refused or no case for the component.
  void count(bool done);
  void end();

 private:
  void line(const std::string &text) const;
  int pipe_;
  std::uint64_t first_, next_ = 0;
};

struct ChildReport {
  std::uint64_t steps = 0, done = 0, refused = 0;
  std::vector<Finding> findings;
};

// Runs `work` in a child, and where that is lost in a step, in another one from the next step on. `limit` is for each
// step.
ChildReport run_in_children(const std::function<void(Reporter &)> &work, std::chrono::seconds limit);

}  // namespace halftone::check
