#include "core/host/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/core.h>

extern char **environ;

namespace halftone::host {

using Clock = std::chrono::steady_clock;

void ChildProcess::start(const std::filesystem::path &program, const std::vector<std::string> &arguments,
                         std::pair<int, int> descriptor, Output output) {
  std::vector<std::string> texts = {program.string()};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char *> list;
  for (std::string &text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
  for (const int fd : {1, 2}) {
    if (output == Output::kNone) ::posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
  }
  ::posix_spawn_file_actions_adddup2(&actions, descriptor.first, descriptor.second);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setpgroup(&attributes, 0);  // so that what a plug-in starts can be ended with it
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  pid_t pid = -1;
  error_ = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, list.data(), environ);
  if (error_ == 0) pid_ = pid;
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
}

std::string ChildProcess::ending(std::chrono::milliseconds patience) {
  const Clock::time_point deadline = Clock::now() + patience;
  int status = 0;
  pid_t got = 0;
  while ((got = ::waitpid(pid_, &status, WNOHANG)) == 0 && Clock::now() < deadline) ::usleep(1000);
  ended_ = got != 0;  // also when somebody else waited for it: its number may belong to another process by now
  if (got != pid_) return "lost the connection";
  if (!WIFSIGNALED(status)) return fmt::format("ended the process with exit code {}", WEXITSTATUS(status));
  const char *name = ::sigabbrev_np(WTERMSIG(status));
  return name != nullptr ? fmt::format("crashed (SIG{})", name) : fmt::format("crashed (signal {})", WTERMSIG(status));
}

void ChildProcess::finish(std::chrono::milliseconds patience) {
  if (pid_ <= 0 || ended_) return;
  const Clock::time_point deadline = Clock::now() + patience;
  int status = 0;
  while (Clock::now() < deadline) {
    if (::waitpid(pid_, &status, WNOHANG) != 0) {
      ended_ = true;
      return;
    }
    ::usleep(500);
  }
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  ended_ = true;
}

void prepare_child() {
  const struct rlimit none = {0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int fatal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::signal(fatal, SIG_DFL);
}

}  // namespace halftone::host
