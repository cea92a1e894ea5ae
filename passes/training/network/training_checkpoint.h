// The state of a training in a file, so that one that was stopped goes on to the same bytes.
//
// The file is written beside its final name, flushed to the disk and renamed: whenever the process ends, the file is
// the last complete state. It knows which model, data and options it is of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "network_score.h"

namespace halftone::passes {

struct TrainingState {
  std::uint64_t step = 0;            // done
  std::uint64_t best = 0;            // epoch, counted from 1; 0: the model as it was
  std::vector<NetworkScore> epochs;  // of each that is done
  std::vector<std::byte> session, best_session;
};

// What the state is of.
struct TrainingIdentity {
  std::uint64_t model = 0, data = 0, options = 0;
};

class TrainingCheckpoint {
 public:
  TrainingCheckpoint(std::string path, const TrainingIdentity &identity)
      : path_(std::move(path)), identity_(identity) {}

  // Nothing where there is no file. Throws for a file that is no whole checkpoint or of another training, with the
  // remedy; `resumes` false: such a checkpoint is passed over, but a file that is none is refused still.
  std::optional<TrainingState> load(bool resumes) const;
  void store(const TrainingState &state) const;

 private:
  std::string path_;
  TrainingIdentity identity_;
};

}  // namespace halftone::passes
