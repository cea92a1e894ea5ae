#include "core/host/probe.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

#include "core/base/error.h"
#include "core/host/child_process.h"
#include "core/host/search.h"

namespace halftone::host {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kChildFd = 3;
constexpr std::string_view kRemedy =
    "ask its author for a repaired build; it is tried again when the file changes or --plugin-path names it";

// A child process with a pipe from it.
class Child {
 public:
  Child(const fs::path &program, const std::vector<fs::path> &files, std::size_t first) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    read_end_ = ends[0];
    std::vector<std::string> arguments = {std::to_string(kChildFd)};
    for (std::size_t i = first; i < files.size(); ++i) arguments.push_back(files[i].string());
    // What a plug-in prints while it is loaded belongs neither to the user nor to the protocol.
    process.start(program, arguments, {ends[1], kChildFd}, ChildProcess::Output::kNone);
    ::close(ends[1]);
  }
  ~Child() {
    if (read_end_ >= 0) ::close(read_end_);
  }
  Child(const Child &) = delete;
  Child &operator=(const Child &) = delete;

  enum class Read { kLine, kEnd, kTimeout };
  // The next line that the child writes before `deadline`.
  Read line(std::string &out, Clock::time_point deadline) {
    while (true) {
      const std::size_t end = buffer_.find('\n');
      if (end != std::string::npos) {
        out = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return Read::kLine;
      }
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) return Read::kTimeout;
      struct pollfd wait = {read_end_, POLLIN, 0};
      const int ready = ::poll(&wait, 1, static_cast<int>(left) + 1);
      if (ready < 0 && errno != EINTR) return Read::kEnd;
      if (ready <= 0) continue;
      char bytes[4096];
      const ssize_t got = ::read(read_end_, bytes, sizeof bytes);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return Read::kEnd;
      buffer_.append(bytes, static_cast<std::size_t>(got));
    }
  }

  ChildProcess process;

 private:
  int read_end_ = -1;
  std::string buffer_;
};

// What one child did with files[first...]: fills verdicts and returns where the next child has to start.
class Round {
 public:
  Round(const std::vector<fs::path> &files, std::size_t first, const ProbeOptions &options,
        std::vector<Verdict> &verdicts)
      : files_(files), first_(first), options_(options), verdicts_(verdicts) {}

  std::size_t run() {
    Child child(options_.program, files_, first_);
    if (!child.process.started()) return give_up(::strerror(child.process.error()));
    while (true) {
      std::string line;
      switch (child.line(line, Clock::now() + options_.timeout)) {
        case Child::Read::kLine:
          if (line == "end") return files_.size();
          take(line);
          break;
        case Child::Read::kEnd: {
          const std::string how = child.process.ending(options_.timeout);
          return current_ ? blame(how + " while it was loaded") : give_up(how);
        }
        case Child::Read::kTimeout: {
          const std::string how = fmt::format("did not finish loading within {} ms", options_.timeout.count());
          return current_ ? blame(how) : give_up(how);
        }
      }
    }
  }

 private:
  void take(const std::string &line) {
    const std::size_t space = line.find(' ');
    if (space == std::string::npos) return;
    std::size_t number = 0;
    const char *end = line.data() + line.size();
    const auto [rest, error] = std::from_chars(line.data() + space + 1, end, number);
    if (error != std::errc() || number >= files_.size() - first_) return;
    number += first_;
    const std::string_view word = std::string_view(line).substr(0, space);
    if (word == "begin") {
      current_ = number;
    } else if (word == "good") {
      verdicts_[number] = {Verdict::Kind::kGood, {}};
    } else if (word == "refused") {
      verdicts_[number] = {Verdict::Kind::kRefused, unescape_line(rest == end ? "" : std::string(rest + 1, end))};
    }
  }

  // The file that was begun last is the culprit, even when it had been found good: a thread of its may have crashed.
  std::size_t blame(const std::string &how) {
    const std::string label = fmt::format("plug-in '{}'", files_[*current_].string());
    verdicts_[*current_] = {Verdict::Kind::kMisbehaved, fmt::format("{}: {}; {}", label, how, kRemedy)};
    return *current_ + 1;
  }

  // The helper itself does not work, so no other round will fare better.
  std::size_t give_up(const std::string &why) {
    for (std::size_t i = first_; i < files_.size(); ++i) {
      verdicts_[i] = {Verdict::Kind::kRefused,
                      fmt::format("plug-in '{}': it cannot be tried, because the program '{}' does not work ({}); "
                                  "reinstall Halftone",
                                  files_[i].string(), options_.program.string(), why)};
    }
    return files_.size();
  }

  const std::vector<fs::path> &files_;
  std::size_t first_;
  const ProbeOptions &options_;
  std::vector<Verdict> &verdicts_;
  std::optional<std::size_t> current_;
};

}  // namespace

fs::path ProbeOptions::default_program() {
  return (library_folder() / HALFTONE_PROBE_FROM_LIBRARY).lexically_normal();
}

std::chrono::milliseconds ProbeOptions::default_timeout() {
  constexpr std::chrono::milliseconds kDefault(5000);
  const char *text = ::secure_getenv("HALFTONE_PROBE_TIMEOUT_MS");
  if (text == nullptr) return kDefault;
  long value = 0;
  const auto [rest, error] = std::from_chars(text, text + ::strlen(text), value);
  constexpr long kHour = 3600000;
  const bool usable = error == std::errc() && *rest == '\0' && value > 0 && value <= kHour;
  return usable ? std::chrono::milliseconds(value) : kDefault;
}

std::vector<Verdict> probe_files(const std::vector<fs::path> &files, const ProbeOptions &options) {
  std::vector<Verdict> verdicts(files.size());
  for (std::size_t next = 0; next < files.size();) next = Round(files, next, options, verdicts).run();
  return verdicts;
}

}  // namespace halftone::host
