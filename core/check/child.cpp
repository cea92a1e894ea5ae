#include "core/check/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>

#include <fmt/core.h>

#include "core/base/error.h"
#include "core/host/probe.h"

namespace halftone::check {

namespace {

using Clock = std::chrono::steady_clock;

// Fields of a line, each on one line and without the separator.
constexpr char kSeparator = '\x1f';

std::vector<std::string> fields_of(const std::string &line) {
  std::vector<std::string> out(1);
  for (const char c : line) c == kSeparator ? out.emplace_back() : out.back() += c;
  out.emplace_back(), out.emplace_back(), out.emplace_back();  // a line that was cut has empty ones
  return out;
}

std::string how_it_ended(int status) {
  if (!WIFSIGNALED(status)) return fmt::format("ended the process with exit code {}", WEXITSTATUS(status));
  const char *name = ::sigabbrev_np(WTERMSIG(status));
  return name != nullptr ? fmt::format("crashed (SIG{})", name) : fmt::format("crashed (signal {})", WTERMSIG(status));
}

// What a plug-in prints belongs to no user: it goes into a file without name, and that it printed is told.
void child_main(const std::function<void(Reporter &)> &work, int pipe, std::uint64_t first) {
  ::setpgid(0, 0);  // so that what a plug-in starts can be ended with it
  const int printed = ::memfd_create("printed", MFD_CLOEXEC);
  for (const int fd : {1, 2}) ::dup2(printed, fd);
  Reporter reporter(pipe, first);
  try {
    work(reporter);
  } catch (const std::exception &error) {
    reporter.tell(Severity::kFailure, error.what(), "mend what the message names; the check ends here");
  }
  std::fflush(nullptr);
  struct stat info {};
  if (::fstat(printed, &info) == 0 && info.st_size > 0) {
    std::string text(std::min<std::size_t>(static_cast<std::size_t>(info.st_size), 80), ' ');
    const ssize_t got = ::pread(printed, text.data(), text.size(), 0);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    text = text.substr(0, text.find('\n'));
    reporter.tell(Severity::kWarning, fmt::format("{} bytes were printed: '{}'", info.st_size, text),
                  "use ht_host.log or the report: what is printed belongs to the program");
  }
  reporter.end();
  ::_exit(0);
}

// Reads what one child tells. Gives the step to go on with, or nothing when all is done.
class Round {
 public:
  Round(ChildReport &report, std::chrono::seconds limit) : report_(report), limit_(limit) {}

  std::optional<std::uint64_t> run(const std::function<void(Reporter &)> &work, std::uint64_t first) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail(Status::kResourceExhausted, "no pipe: {}", ::strerror(errno));
    const pid_t child = ::fork();
    if (child < 0) fail(Status::kResourceExhausted, "no process: {}", ::strerror(errno));
    if (child == 0) child_main(work, ends[1], first);
    ::close(ends[1]);
    step_ = first;
    const bool timed_out = !read_all(ends[0]);
    ::close(ends[0]);
    if (timed_out || ended_) ::kill(-child, SIGKILL);  // threads of its own may be left
    if (timed_out) ::kill(child, SIGKILL);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (ended_) return std::nullopt;
    blame(timed_out ? fmt::format("did not finish within {} s", limit_.count()) : how_it_ended(status));
    return step_ + 1;
  }

 private:
  // False when a step takes too long.
  bool read_all(int pipe) {
    std::string buffer;
    Clock::time_point deadline = Clock::now() + limit_;
    while (!ended_) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) return false;
      struct pollfd wait = {pipe, POLLIN, 0};
      const int ready = ::poll(&wait, 1, static_cast<int>(left) + 1);
      if (ready < 0 && errno != EINTR) return true;
      if (ready <= 0) continue;
      char bytes[4096];
      const ssize_t got = ::read(pipe, bytes, sizeof bytes);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return true;
      buffer.append(bytes, static_cast<std::size_t>(got));
      for (std::size_t end = buffer.find('\n'); end != std::string::npos; end = buffer.find('\n')) {
        take(fields_of(buffer.substr(0, end)));
        buffer.erase(0, end + 1);
        deadline = Clock::now() + limit_;
      }
    }
    return true;
  }

  void take(const std::vector<std::string> &fields) {
    const auto text = [&](std::size_t i) { return host::unescape_line(fields[i]); };
    if (fields[0] == "begin") {
      step_ = std::strtoull(fields[1].c_str(), nullptr, 10);
      component_ = text(2);
      what_ = text(3);
      ++report_.steps;
    } else if (fields[0] == "finding") {
      const Severity severity = fields[1] == "0" ? Severity::kFailure : Severity::kWarning;
      report_.findings.push_back({severity, component_, what_.empty() ? text(2) : what_ + ": " + text(2), text(3)});
    } else if (fields[0] == "count") {
      ++(fields[1] == "1" ? report_.done : report_.refused);
    } else if (fields[0] == "end") {
      ended_ = true;
    }
  }

  void blame(const std::string &how) {
    report_.findings.push_back({Severity::kFailure, component_, what_.empty() ? how : what_ + ": " + how,
                                "run the same under a debugger, or build the plug-in with -fsanitize=address"});
  }

  ChildReport &report_;
  std::chrono::seconds limit_;
  std::uint64_t step_ = 0;
  std::string component_, what_;
  bool ended_ = false;
};

}  // namespace

bool Reporter::begin(const std::string &component, const std::string &what) {
  const std::uint64_t step = next_++;
  if (step < first_) return false;
  line(fmt::format("begin{0}{1}{0}{2}{0}{3}", kSeparator, step, host::escape_line(component), host::escape_line(what)));
  return true;
}

void Reporter::tell(Severity severity, const std::string &text, const std::string &remedy) {
  line(fmt::format("finding{0}{1}{0}{2}{0}{3}", kSeparator, severity == Severity::kFailure ? 0 : 1,
                   host::escape_line(text), host::escape_line(remedy)));
}

void Reporter::count(bool done) {
  line(fmt::format("count{}{}", kSeparator, done ? 1 : 0));
}

void Reporter::end() {
  line("end");
}

void Reporter::line(const std::string &text) const {
  const std::string whole = text + "\n";
  for (std::size_t at = 0; at < whole.size();) {
    const ssize_t wrote = ::write(pipe_, whole.data() + at, whole.size() - at);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) ::_exit(1);
    at += static_cast<std::size_t>(wrote);
  }
}

ChildReport run_in_children(const std::function<void(Reporter &)> &work, std::chrono::seconds limit) {
  constexpr int kMostLost = 8;  // a plug-in that dies at every step has said enough
  ChildReport report;
  std::uint64_t first = 0;
  for (int lost = 0; lost < kMostLost; ++lost) {
    const std::optional<std::uint64_t> next = Round(report, limit).run(work, first);
    if (!next) return report;
    first = *next;
  }
  report.findings.push_back({Severity::kFailure,
                             {},
                             fmt::format("{} child processes were lost; the rest was not tried", kMostLost),
                             "mend the findings above first"});
  return report;
}

}  // namespace halftone::check
