#include "core/cli/console.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <sstream>

#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/core.h>

namespace halftone::cli {

namespace {

std::atomic<bool> interrupted{false};

void on_interrupt(int) {
  interrupted.store(true);
  std::signal(SIGINT, SIG_DFL);
}

// Characters of UTF-8 text.
std::size_t width(const std::string &text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

bool is_number(const std::string &cell) {
  return !cell.empty() && (std::isdigit(static_cast<unsigned char>(cell[0])) != 0 || cell[0] == '-' || cell[0] == '+');
}

}  // namespace

std::vector<bool> Table::numeric_columns() const {
  std::size_t columns = 0;
  for (const auto &row : rows_) columns = std::max(columns, row.size());
  std::vector<bool> numeric(columns, rows_.size() > 1);
  for (std::size_t r = 1; r < rows_.size(); ++r) {
    for (std::size_t i = 0; i < rows_[r].size(); ++i) {
      if (!rows_[r][i].empty() && !is_number(rows_[r][i])) numeric[i] = false;
    }
  }
  return numeric;
}

std::string Table::text() const {
  const std::vector<bool> numeric = numeric_columns();
  std::vector<std::size_t> widths(numeric.size());
  for (const auto &row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  for (const auto &row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string pad(widths[i] - width(row[i]), ' ');
      line += (i == 0 ? "" : "  ") + (numeric[i] ? pad + row[i] : row[i] + pad);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

Progress::Progress(bool quiet) : terminal_(isatty(STDERR_FILENO) != 0), quiet_(quiet) {}

void Progress::clear() {
  if (terminal_) std::fputs("\r\033[K", stderr);
}

void Progress::begin(std::size_t index, std::size_t count, const std::string &step) {
  const std::scoped_lock lock(mutex_);
  step_ = fmt::format("[{:>{}}/{}] {}", index + 1, std::to_string(count).size(), count, step);
  drawn_ = {};
  if (!quiet_ && terminal_) std::fputs(("\r\033[K" + step_).c_str(), stderr);
}

void Progress::update(std::uint64_t done, std::uint64_t total) {
  if (quiet_ || !terminal_ || total == 0) return;
  const std::scoped_lock lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (done < total && now - drawn_ < std::chrono::milliseconds(50)) return;  // a terminal is slower than a sample
  drawn_ = now;
  constexpr std::size_t kCells = 30;
  const auto filled = static_cast<std::size_t>(kCells * std::min(done, total) / total);
  const std::string bar = std::string(filled, '#') + std::string(kCells - filled, '.');
  std::fputs(fmt::format("\r\033[K{} [{}] {}/{}", step_, bar, done, total).c_str(), stderr);
  std::fflush(stderr);
}

void Progress::end(const std::string &line) {
  if (quiet_) return;
  const std::scoped_lock lock(mutex_);
  clear();
  std::fputs((step_ + line + "\n").c_str(), stderr);
}

void Progress::note(const std::string &line) {
  const std::scoped_lock lock(mutex_);
  if (!quiet_) clear();
  std::fputs((line + "\n").c_str(), stderr);
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(units); ++unit) value /= 1024;
  return fmt::format("{:.{}f} {}", value, value < 10 ? 2 : 1, units[unit]);
}

std::string seconds_text(double seconds) {
  return fmt::format("{:.{}f} s", seconds, seconds < 10 ? 2 : 1);
}

host::RunSinks Progress::sinks() {
  host::RunSinks sinks;
  sinks.cancelled = &install_interrupt_handler();
  sinks.progress = [this](std::uint64_t done, std::uint64_t total) { update(done, total); };
  sinks.notice = [this](const std::string &text) {
    if (!quiet_) note("  " + text);
  };
  sinks.log = [this](const host::LogLine &line) {
    if (line.level >= HT_LOG_WARNING) note("halftone: warning: " + line.text);
  };
  return sinks;
}

const std::atomic<bool> &install_interrupt_handler() {
  std::signal(SIGINT, on_interrupt);
  return interrupted;
}

}  // namespace halftone::cli
