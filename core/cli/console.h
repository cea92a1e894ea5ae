// What the command line prints: tables, progress, figures. The only place of the kernel that writes to the terminal.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/process_memory.h"
#include "core/host/context.h"

namespace halftone::cli {

// Columns of text, aligned; the first row is the header. Numbers are right-aligned when a whole column is numeric.
class Table {
 public:
  explicit Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string text() const;
  const std::vector<std::vector<std::string>> &rows() const { return rows_; }
  std::vector<bool> numeric_columns() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// One line that fills up on a terminal; when the output is piped, one plain line for each finished step.
class Progress {
 public:
  Progress(bool quiet);
  void begin(std::size_t index, std::size_t count, const std::string &step);
  void update(std::uint64_t done, std::uint64_t total);
  void end(const std::string &line);
  void note(const std::string &line);  // a message between steps: warnings
  // What a run tells goes here; Ctrl-C cancels it. The progress outlives the sinks.
  host::RunSinks sinks();

 private:
  void clear();
  bool terminal_, quiet_;
  std::mutex mutex_;
  std::string step_;
  std::chrono::steady_clock::time_point drawn_{};
};

std::string bytes_text(std::uint64_t bytes);  // "1.8 MiB"
std::string seconds_text(double seconds);     // "0.42 s"
// Set by Ctrl-C: the run cancels at the next poll; a second Ctrl-C ends the program at once.
const std::atomic<bool> &install_interrupt_handler();

}  // namespace halftone::cli
