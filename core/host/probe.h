// Tries plug-ins in a child process before they are let into this one: a library that crashes, hangs or ends the
// process while it is loaded then costs its own verdict and nothing else.
//
// The child is the helper program halftone-probe, which links libhalftone and so has the same libraries in memory as
// any program that uses it. One child tries all files; after a culprit another one goes on behind it. Only a line on a
// pipe says that a file is good: an exit code can be had by calling exit(0).
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace halftone::host {

struct Verdict {
  enum class Kind {
    kGood,
    kRefused,     // cannot be used here and said so: wrong version, missing library. Not remembered: it may be mended.
    kMisbehaved,  // crashed, hung or ended the process. Remembered until the file changes.
  };
  Kind kind = Kind::kRefused;
  std::string reason;  // begins with "plug-in '<file>': "; empty when good
};

struct ProbeOptions {
  std::filesystem::path program = default_program();
  std::chrono::milliseconds timeout = default_timeout();  // for each file

  static std::filesystem::path default_program();      // <prefix>/libexec/halftone/halftone-probe
  static std::chrono::milliseconds default_timeout();  // 5 s, or HALFTONE_PROBE_TIMEOUT_MS for slow disks
};

// One verdict for each file, in order. Never throws for what a file does.
std::vector<Verdict> probe_files(const std::vector<std::filesystem::path> &files, const ProbeOptions &options);

// The child's side: `halftone-probe FD FILE...` writes to the descriptor FD, for each file number from 0, "begin N",
// then "good N" or "refused N <reason>", and "end" after the last. Does not return to plug-in code at exit.
int run_probe(int argc, char **argv);

// A reason on one line and back.
std::string escape_line(const std::string &text);
std::string unescape_line(const std::string &line);

}  // namespace halftone::host
