// What runs inside the helper program.
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <exception>
#include <filesystem>

#include "core/base/error.h"
#include "core/host/child_process.h"
#include "core/host/library.h"
#include "core/host/probe.h"
#include "core/host/registry.h"

namespace halftone::host {
namespace {

constexpr int kUsage = 2, kBrokenPipe = 3;

bool write_line(int fd, const std::string &text) {
  const std::string line = text + "\n";
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t wrote = ::write(fd, line.data() + done, line.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    done += static_cast<std::size_t>(wrote);
  }
  return true;
}

// The reason why a file cannot be used, or "". A registry of its own: two files may offer the same component, which
// only matters when both are loaded for use.
std::string try_file(const std::filesystem::path &file) {
  try {
    Registry registry;
    registry.add(open_plugin(file), file);
    return {};
  } catch (const Error &error) {
    return error.what();
  } catch (const std::exception &error) {
    return fmt::format("plug-in '{}': it threw an exception while it was loaded: {}", file.string(), error.what());
  } catch (...) {
    return fmt::format("plug-in '{}': it threw an exception while it was loaded", file.string());
  }
}

}  // namespace

std::string escape_line(const std::string &text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string unescape_line(const std::string &line) {
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size()) {
      ++i;
      out += line[i] == 'n' ? '\n' : line[i];
    } else {
      out += line[i];
    }
  }
  return out;
}

int run_probe(int argc, char **argv) {
  int fd = -1;
  const char *number = argc > 1 ? argv[1] : "";
  const auto parsed = std::from_chars(number, number + std::strlen(number), fd);
  if (parsed.ec != std::errc() || *parsed.ptr != '\0' || fd < 0) return kUsage;
  prepare_child();
  for (int i = 2; i < argc; ++i) {
    if (!write_line(fd, fmt::format("begin {}", i - 2))) ::_exit(kBrokenPipe);
    const std::string reason = try_file(argv[i]);
    const std::string line =
        reason.empty() ? fmt::format("good {}", i - 2) : fmt::format("refused {} {}", i - 2, escape_line(reason));
    if (!write_line(fd, line)) ::_exit(kBrokenPipe);
  }
  const bool told = write_line(fd, "end");
  ::_exit(told ? 0 : kBrokenPipe);  // plug-ins' destructors have no verdict to give
}

}  // namespace halftone::host
