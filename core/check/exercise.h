// What a component can be made to do without knowing what it is for.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/check/workbench.h"
#include "core/pipeline/pipeline_spec.h"

namespace halftone::check {

// How it is made to.
struct Terms {
  std::uint32_t threads = 1;
  Setting parameters;             // of the component; null or a map
  std::function<void()> on_poll;  // each time that the component tells its progress
  const std::atomic<bool> *cancelled = nullptr;
  bool checked = false;  // at that level of trust: stored tensors are lent as copies, and looked at afterwards
};

struct Attempt {
  enum class Result {
    kDone,
    kRefused,  // it said that it cannot, and why
    kUnfit,    // the case is none for this component
    kBroke,    // a finding
  };
  Result result = Result::kDone;
  std::string text;    // why not
  std::string output;  // a digest of all that it did
  int status = 0;      // of an error
};

struct Exercise {
  std::string name;
  std::function<Attempt(const Terms &)> run;
};

// Of any component; none where its kind gives no hold.
std::vector<Exercise> exercises_of(Workbench &bench, const Subject &subject);

// Those of the kinds that no pipeline runs.
std::vector<Exercise> executor_exercises(Workbench &bench, const Subject &subject);
std::vector<Exercise> reader_exercises(Workbench &bench, const Subject &subject);
std::vector<Exercise> kernel_exercises(Workbench &bench, const Subject &subject);
std::vector<Exercise> gradient_exercises(Workbench &bench, const Subject &subject);
std::vector<Exercise> trainer_exercises(Workbench &bench, const Subject &subject);

// What an error means that `subject` may have caused: `blamed` where no other could have.
Attempt attempt_of(const Error &error, const Subject &subject, bool blamed);

}  // namespace halftone::check
