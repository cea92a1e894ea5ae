// Checks that make components work: alone, twice, by several threads, and while somebody looks what else changed.
#include <malloc.h>

#include <algorithm>
#include <thread>

#include "core/base/error.h"
#include "core/check/checks.h"
#include "core/check/exercise.h"
#include "core/check/surroundings.h"
#include "core/host/instance.h"

namespace halftone::check {

namespace {

using Result = Attempt::Result;

Terms terms_of(Workbench &bench, const Subject &subject, std::uint32_t threads = 1) {
  Terms terms;
  terms.threads = threads;
  terms.parameters = bench.parameters_of(subject);
  return terms;
}

// Creates and destroys an instance; false where it refuses to be made.
bool live_once(const host::Component &component, const Setting &settings) {
  try {
    host::Context ctx;
    const host::Instance instance(component, &settings, ctx);
    return true;
  } catch (const Error &) {
    return false;
  }
}

// The same work again and again must not hold more each time. Sizes of what malloc has given out are exact, but what is
// cached on first use is no leak: growth counts when each stretch has it.
class Growth {
 public:
  static std::size_t held() { return ::mallinfo2().uordblks; }
  void sample() { samples_.push_back(held()); }
  // Bytes for each of `turns` between two samples, or 0.
  std::size_t per_turn(std::size_t turns) const {
    std::size_t least = SIZE_MAX;
    for (std::size_t i = 1; i < samples_.size(); ++i) {
      if (samples_[i] <= samples_[i - 1]) return 0;
      least = std::min(least, samples_[i] - samples_[i - 1]);
    }
    return samples_.size() < 2 ? 0 : least / turns;
  }

 private:
  std::vector<std::size_t> samples_;
};

void measure_instances(Workbench &bench, const Subject &subject) {
  constexpr std::size_t kTurns = 64, kStretches = 4;
  const Setting &settings = bench.parameters_of(subject);
  if (!live_once(*subject.component, settings)) return;
  const std::size_t files = open_file_count();
  Growth growth;
  for (std::size_t stretch = 0; stretch <= kStretches; ++stretch) {
    for (std::size_t turn = 0; turn < kTurns; ++turn) live_once(*subject.component, settings);
    growth.sample();
  }
  if (const std::size_t bytes = growth.per_turn(kTurns); bytes > 0)
    bench.fail(fmt::format("{} bytes are left of each instance", bytes), "free in destroy() what create() makes");
  if (open_file_count() > files) bench.fail("a file is left open by each instance", "close it in destroy()");
}

// Bytes that each of `turns` runs leaves, where every stretch of some leaves them.
std::size_t left_of_runs(const Exercise &exercise, const Terms &terms, std::size_t stretches, std::size_t turns) {
  Growth growth;
  growth.sample();
  for (std::size_t i = 0; i < stretches; ++i) {
    for (std::size_t turn = 0; turn < turns; ++turn) exercise.run(terms);
    growth.sample();
  }
  return growth.per_turn(turns);
}

void measure_runs(Workbench &bench, const Exercise &exercise, const Terms &terms) {
  constexpr std::size_t kWarm = 4, kRuns = 8, kLeast = 16, kLong = 40;
  for (std::size_t i = 0; i < kWarm; ++i) {
    if (exercise.run(terms).result != Result::kDone) return;
  }
  const std::size_t files = open_file_count();
  // malloc keeps some of what was freed for each thread, which grows for a while: only what goes on growing is a leak.
  if (left_of_runs(exercise, terms, kRuns, 1) >= kLeast) {
    if (const std::size_t bytes = left_of_runs(exercise, terms, kRuns, kLong); bytes >= kLeast)
      bench.fail(fmt::format("{} bytes are left of each run", bytes), "free what a call allocates, or use ht.memory/1");
  }
  if (open_file_count() > files) bench.fail("a file is left open by each run", "close it in any case");
}

}  // namespace

void check_memory(Workbench &bench) {
  const bool counted = Growth::held() > 0;  // not under a sanitizer, which has its own
  for (const Subject &subject : bench.subjects()) {
    if (subject.component == nullptr || !counted) continue;
    if (bench.begin(subject, "created and destroyed many times")) measure_instances(bench, subject);
    const std::vector<Exercise> exercises = exercises_of(bench, subject);
    // Where the first is none for it, the second may be.
    for (std::size_t i = 0; i < std::min<std::size_t>(exercises.size(), 2); ++i) {
      if (bench.begin(subject, exercises[i].name + ", many times"))
        measure_runs(bench, exercises[i], terms_of(bench, subject));
    }
  }
}

void check_runs(Workbench &bench) {
  for (const Subject &subject : bench.subjects()) {
    bool worked = false;
    std::string reason;
    for (const Exercise &exercise : exercises_of(bench, subject)) {
      if (!bench.begin(subject, exercise.name)) {
        worked = true;  // nothing is known of what another child did
        continue;
      }
      const Attempt attempt = exercise.run(terms_of(bench, subject));
      worked = worked || attempt.result == Result::kDone;
      bench.reporter().count(attempt.result == Result::kDone);
      if (attempt.result != Result::kDone && (reason.empty() || attempt.result == Result::kRefused))
        reason = attempt.text;
      if (attempt.result == Result::kBroke)
        bench.fail(attempt.text, "mend it, or refuse with ht_host.fail and a status other than HT_INTERNAL");
    }
    if (worked || reason.empty() || subject.kind == HT_KIND_READER || !bench.begin(subject, {})) continue;
    bench.warn("nothing that was tried ran to its end, so that little is proved: " + reason,
               "where it needs parameters, give them with --set COMPONENT.NAME=VALUE");
  }
}

void check_determinism(Workbench &bench) {
  for (const Subject &subject : bench.subjects()) {
    const std::uint32_t promise =
        subject.component == nullptr ? HT_DETERMINISM_EXACT : subject.component->description->determinism;
    if (promise < HT_DETERMINISM_FIXED_THREADS) continue;
    for (const Exercise &exercise : exercises_of(bench, subject)) {
      if (!bench.begin(subject, exercise.name)) continue;
      const Attempt once = exercise.run(terms_of(bench, subject));
      if (once.result != Result::kDone) continue;  // the check `runs` tells
      const Attempt again = exercise.run(terms_of(bench, subject));
      if (again.output != once.output) {
        bench.fail("a second run gives other bits", "use no clocks, addresses or unordered containers in results");
        continue;
      }
      if (promise != HT_DETERMINISM_EXACT) continue;
      const Attempt by_two = exercise.run(terms_of(bench, subject, 2));
      if (by_two.output != once.output)
        bench.fail("two threads give other bits than one", "let no sum depend on the order in which workers end");
    }
  }
}

namespace {

// Each exercise by two instances at once, which must do what one did alone.
void run_beside(Workbench &bench, const Subject &subject) {
  constexpr std::size_t kMost = 12;
  const std::vector<Exercise> exercises = exercises_of(bench, subject);
  for (std::size_t i = 0; i < std::min(exercises.size(), kMost); ++i) {
    if (!bench.begin(subject, exercises[i].name + ", by two instances at once")) continue;
    const Terms terms = terms_of(bench, subject);
    const Attempt alone = exercises[i].run(terms);
    if (alone.result != Result::kDone) continue;
    Attempt beside[2];
    std::vector<std::thread> threads;
    for (Attempt &attempt : beside) threads.emplace_back([&] { attempt = exercises[i].run(terms); });
    for (std::thread &thread : threads) thread.join();
    for (const Attempt &attempt : beside) {
      if (attempt.result != Result::kDone)
        bench.fail("it fails beside another instance: " + attempt.text, "keep what changes in the instance");
      else if (attempt.output != alone.output && subject.component->description->determinism == HT_DETERMINISM_EXACT)
        bench.fail("beside another instance it gives other bits", "keep what changes in the instance");
    }
  }
}

}  // namespace

void check_threads(Workbench &bench) {
  for (const Subject &subject : bench.subjects()) {
    if (subject.component == nullptr) continue;
    const ht_component &d = *subject.component->description;
    const Setting &settings = bench.parameters_of(subject);
    if (bench.begin(subject, "created and destroyed")) {
      const std::size_t before = thread_count();
      live_once(*subject.component, settings);
      if (thread_count() > before && (d.capabilities & HT_CAP_THREADS) == 0)
        bench.fail("a thread is left running", "start no threads: ht.parallel/1 has those of the run");
    }
    if (d.threading == HT_THREADING_PROCESS) continue;
    if (bench.begin(subject, "instances by four threads at once")) {
      std::vector<std::thread> threads;
      for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
          for (int turn = 0; turn < 50; ++turn) live_once(*subject.component, settings);
        });
      }
      for (std::thread &thread : threads) thread.join();
    }
    run_beside(bench, subject);
  }
}

void check_surroundings(Workbench &bench) {
  const auto tell = [&](const Surroundings &before) {
    const auto changes = before.changes_since();
    for (const auto &[text, remedy] : changes) bench.fail(text, remedy);
    return changes.empty();
  };
  // The plug-in's own constructors ran when it was loaded.
  if (bench.reporter().begin({}, "loaded")) {
    const Surroundings before = Surroundings::now();
    (void)bench.registry();
    tell(before);
  }
  for (const Subject &subject : bench.subjects()) {
    if (subject.component != nullptr && bench.begin(subject, "created and destroyed")) {
      const Surroundings before = Surroundings::now();
      live_once(*subject.component, bench.parameters_of(subject));
      tell(before);
    }
    for (const Exercise &exercise : exercises_of(bench, subject)) {
      if (!bench.begin(subject, exercise.name)) continue;
      const Surroundings before = Surroundings::now();
      Terms terms = terms_of(bench, subject);
      const Attempt attempt = exercise.run(terms);
      if (!tell(before) || attempt.result != Result::kDone || subject.kind != HT_KIND_PASS) continue;
      terms.checked = true;
      if (const Attempt watched = exercise.run(terms); watched.result == Result::kBroke)
        bench.fail(watched.text,
                   "edit what is lent through ht.graph_edit/1 only, and promise the same result where it is kept");
    }
  }
}

void check_cancel(Workbench &bench) {
  for (const Subject &subject : bench.subjects()) {
    if (subject.kind != HT_KIND_PASS && subject.kind != HT_KIND_EXPORTER) continue;
    for (const Exercise &exercise : exercises_of(bench, subject)) {
      if (!bench.begin(subject, exercise.name)) continue;
      std::atomic<bool> cancelled{true};
      std::atomic<std::uint64_t> polls{0};
      Terms terms = terms_of(bench, subject);
      terms.cancelled = &cancelled;
      terms.on_poll = [&] { polls.fetch_add(1); };
      const Attempt attempt = exercise.run(terms);
      if (polls.load() == 0 || attempt.result == Result::kUnfit) continue;  // it was never told, or another pass was
      if (attempt.result == Result::kDone)
        bench.fail("the user's Ctrl-C was ignored: poll() answered HT_CANCELLED and the run went on",
                   "return the status of poll() where it is not HT_OK");
      else if (attempt.status != HT_CANCELLED)
        bench.fail("a cancelled run ends with another error: " + attempt.text, "return the status of poll() as it is");
    }
  }
}

}  // namespace halftone::check
