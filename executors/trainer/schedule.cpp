#include "schedule.h"

namespace halftone::trainer {
namespace {

class Scheduler {
 public:
  Scheduler(const Program &program, const Segments &segments, RunKind kind)
      : program_(program), segments_(segments), kind_(kind) {
    phases_.emplace_back();
  }

  void forward(std::size_t segment, bool again) {
    for (std::size_t i = begin(segment); i < segments_.ends[segment]; ++i) {
      if (!again && meets(i)) meet({Act::kForwardSums, i, segment});
      add({Act::kForward, i, segment});
    }
  }
  void backward(std::size_t segment) {
    for (std::size_t i = segments_.ends[segment]; i-- > begin(segment);) {
      if (meets(i) && program_.steps[i]->backward_runs) meet({Act::kBackwardSums, i, segment});
      add({Act::kBackward, i, segment});
    }
  }
  void add(Action action) { phases_.back().actions.push_back(action); }
  std::vector<Phase> take() { return std::move(phases_); }

 private:
  std::size_t begin(std::size_t segment) const { return segment == 0 ? 0 : segments_.ends[segment - 1]; }
  bool meets(std::size_t step) const { return kind_.soft && program_.steps[step]->meeting() != nullptr; }
  void meet(Action action) {
    add(action);
    phases_.emplace_back();
  }

  const Program &program_;
  const Segments &segments_;
  RunKind kind_;
  std::vector<Phase> phases_;
};

}  // namespace

std::vector<Phase> phases_of(const Program &program, const Segments &segments, RunKind kind, bool backward) {
  Scheduler schedule(program, segments, kind);
  const std::size_t count = segments.ends.size();
  for (std::size_t k = 0; k < count; ++k) {
    schedule.forward(k, false);
    schedule.add({Act::kDrop, k, k});
  }
  schedule.add({Act::kLosses});
  for (std::size_t k = count; backward && k-- > 0;) {
    if (k + 1 < count) schedule.forward(k, true);
    schedule.backward(k);
  }
  return schedule.take();
}

}  // namespace halftone::trainer
