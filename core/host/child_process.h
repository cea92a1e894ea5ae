// A program of ours in a process of its own, which may crash, hang or end whenever it likes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace halftone::host {

// Spawned, never forked: the parent has threads. Gone, by force if need be, when this object goes, with all that it
// started itself.
class ChildProcess {
 public:
  ChildProcess() = default;
  ~ChildProcess() { finish(); }
  ChildProcess(const ChildProcess &) = delete;
  ChildProcess &operator=(const ChildProcess &) = delete;

  enum class Output { kNone, kInherited };  // where what it prints goes
  // `descriptor` becomes another number in the child: {ours, its}.
  void start(const std::filesystem::path &program, const std::vector<std::string> &arguments,
             std::pair<int, int> descriptor, Output output);
  bool started() const noexcept { return pid_ > 0; }
  int error() const noexcept { return error_; }  // of the system, when it was not started

  // How a child that closed its end of the connection came to its end: "crashed (SIGSEGV)". Waits a moment, not for
  // ever: it may close the connection and stay.
  std::string ending(std::chrono::milliseconds patience);
  // Waits that long for it to end by itself; then it is ended.
  void finish(std::chrono::milliseconds patience = std::chrono::milliseconds(0));

 private:
  pid_t pid_ = -1;
  int error_ = 0;
  bool ended_ = false;
};

// In a child: no core file for a crash that is expected, no life beyond the parent's, and a sanitizer's handlers off,
// as they would turn a crash into an exit code.
void prepare_child();

}  // namespace halftone::host
