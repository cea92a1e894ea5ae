// What a component must leave as it found it: the floating-point environment, the working folder, the locale, signals.
#pragma once

#include <array>
#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

namespace halftone::check {

class Surroundings {
 public:
  static Surroundings now();
  // What is different now, in words, each with its remedy; and puts it back.
  std::vector<std::pair<std::string, std::string>> changes_since() const;

 private:
  static constexpr int kSignals = 32;
  int rounding_ = 0;
  std::uint32_t flush_ = 0;  // bits that make results other than IEEE 754 says
  std::string folder_, locale_;
  std::uint32_t mask_ = 0;  // of files
  sigset_t blocked_{};
  std::array<struct sigaction, kSignals> handlers_{};
  std::uint64_t environment_ = 0;
};

// Threads of this process, and its open files.
std::size_t thread_count();
std::size_t open_file_count();

}  // namespace halftone::check
