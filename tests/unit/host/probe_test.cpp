#include "core/host/probe.h"

#include <doctest/doctest.h>
#include <fmt/core.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "core/base/file.h"
#include "core/host/probe_cache.h"

namespace fs = std::filesystem;
using namespace halftone;
using namespace halftone::host;

namespace {

struct Folder {
  Folder() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  fs::path file(const std::string &name, const std::string &content, bool runnable = false) const {
    std::ofstream(path / name) << content;
    if (runnable) fs::permissions(path / name, fs::perms::owner_all);
    return path / name;
  }
  fs::path path = fs::path(::getenv("HALFTONE_BUILD_DIR")) / "tests" / "probe-test";
};

const Verdict kGood = {Verdict::Kind::kGood, ""};
const Verdict kBad = {Verdict::Kind::kMisbehaved, "plug-in 'x': crashed\nbadly"};

}  // namespace

TEST_CASE("reasons travel on one line") {
  for (const std::string text : {"", "plain", "two\nlines", "back\\slash\\n", "\\"}) {
    CHECK(escape_line(text).find('\n') == std::string::npos);
    CHECK_EQ(unescape_line(escape_line(text)), text);
  }
}

TEST_CASE("the helper of this build answers") {
  const Folder folder;
  const fs::path text = folder.file("text.so", "no library");
  const auto verdicts = probe_files({text, text}, ProbeOptions());
  REQUIRE(verdicts.size() == 2);
  CHECK(verdicts[1].kind == Verdict::Kind::kRefused);
  CHECK_EQ(
      verdicts[1].reason,
      fmt::format("plug-in '{}': it is no shared library (no ELF header); name a plug-in's .so file", text.string()));
  CHECK(probe_files({}, ProbeOptions()).empty());
}

TEST_CASE("a helper that does not work is named, and nobody waits for ever") {
  const Folder folder;
  ProbeOptions options;
  const auto reason = [&](const fs::path &program) {
    options.program = program;
    const auto verdicts = probe_files({"/a.so", "/b.so"}, options);
    CHECK(verdicts[0].kind == Verdict::Kind::kRefused);
    return verdicts[1].reason;
  };
  const auto text = [](const fs::path &program, const std::string &why) {
    return fmt::format(
        "plug-in '/b.so': it cannot be tried, because the program '{}' does not work ({}); reinstall "
        "Halftone",
        program.string(), why);
  };
  const fs::path absent = folder.path / "absent";
  CHECK_EQ(reason(absent), text(absent, "No such file or directory"));
  const fs::path silent = folder.file("silent", "#!/bin/sh\nexit 4\n", true);
  CHECK_EQ(reason(silent), text(silent, "ended the process with exit code 4"));
  const fs::path slow = folder.file("slow", "#!/bin/sh\nsleep 30\n", true);
  options.timeout = std::chrono::milliseconds(300);
  CHECK_EQ(reason(slow), text(slow, "did not finish loading within 300 ms"));
}

TEST_CASE("lines that make no sense are passed over, and a culprit does not take its neighbours along") {
  const Folder folder;
  ProbeOptions options;
  // Finds the first file good, talks nonsense, dies with the second and starts again behind it.
  options.program = folder.file("odd",
                                "#!/bin/sh\n"
                                "case $2 in /c.so) printf 'begin 0\\ngood 0\\nend\\n' >&3; exit 0;; esac\n"
                                "printf 'nonsense\\ngood\\ngood 99\\nbegin x\\nbegin 0\\ngood 0\\nbegin 1\\n' >&3\n"
                                "kill -9 $$\n",
                                true);
  const auto verdicts = probe_files({"/a.so", "/b.so", "/c.so"}, options);
  CHECK(verdicts[0].kind == Verdict::Kind::kGood);
  CHECK(verdicts[1].kind == Verdict::Kind::kMisbehaved);
  CHECK(verdicts[1].reason.starts_with("plug-in '/b.so': crashed (SIGKILL) while it was loaded; "));
  CHECK(verdicts[2].kind == Verdict::Kind::kGood);
}

TEST_CASE("verdicts are kept while the file is the same") {
  const Folder folder;
  const fs::path store = folder.path / "cache" / "probe.json";
  const fs::path good = folder.file("good.so", "good"), bad = folder.file("bad.so", "bad");
  {
    ProbeCache cache(store);
    CHECK_FALSE(cache.find(good));
    cache.put(good, kGood);
    cache.put(bad, kBad);
    cache.save();
  }
  ProbeCache cache(store);
  REQUIRE(cache.find(good));
  CHECK(cache.find(good)->kind == Verdict::Kind::kGood);
  REQUIRE(cache.find(bad));
  CHECK(cache.find(bad)->kind == Verdict::Kind::kMisbehaved);
  CHECK_EQ(cache.find(bad)->reason, kBad.reason);

  fs::last_write_time(bad, fs::last_write_time(bad) + std::chrono::hours(1));
  CHECK(cache.find(bad));  // touched, and the content is the same
  folder.file("bad.so", "dab");
  fs::last_write_time(bad, fs::last_write_time(bad) + std::chrono::hours(2));
  CHECK_FALSE(cache.find(bad));  // repaired: another content of the same size
  folder.file("good.so", "longer");
  CHECK_FALSE(cache.find(good));
}

TEST_CASE("a refusal is not kept: what it lacked may be installed meanwhile") {
  const Folder folder;
  const fs::path file = folder.file("x.so", "x");
  ProbeCache cache(folder.path / "probe.json");
  cache.put(file, kGood);
  cache.put(file, {Verdict::Kind::kRefused, "libmissing.so"});
  CHECK_FALSE(cache.find(file));
}

TEST_CASE("a cache that is damaged, foreign or not writable is as good as none") {
  const Folder folder;
  const fs::path file = folder.file("x.so", "x"), store = folder.path / "probe.json";
  for (const char *content :
       {"", "{", "[]", "{\"format\":1}", "{\"format\":1,\"judge\":\"halftone 99\",\"plugins\":{}}",
        "{\"format\":\"x\",\"judge\":3,\"plugins\":[1,2]}"}) {
    folder.file("probe.json", content);
    ProbeCache cache(store);
    CHECK_FALSE(cache.find(file));
    cache.put(file, kGood);
    cache.save();
    CHECK(ProbeCache(store).find(file));
  }
  ProbeCache nowhere("/proc/halftone/probe.json");
  nowhere.put(file, kGood);
  nowhere.save();
  CHECK(nowhere.find(file));
  ProbeCache none{fs::path()};
  none.put(file, kGood);
  none.save();
}
