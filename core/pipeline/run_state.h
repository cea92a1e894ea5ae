// A run as it stands before one of its passes, as a file from which that pass alone can be run again.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "core/host/context.h"
#include "core/pipeline/chosen_observers.h"

namespace halftone::pipeline {

struct RunState {
  host::WorkingModel model;                      // with its configs, every handle as it is
  std::optional<host::WorkingModel> calibrated;  // the float network that corrections compare with, once there is one
  ChosenObservers chosen;                        // what overrides said
  std::set<std::string> facts;                   // that hold
};

// Tensors are written from where they are, each once. Only this build of the program reads the file.
void write_state(const RunState &state, const std::filesystem::path &file);
// Tensors stay in the file, which is mapped. Throws DataLoss for a file that is damaged, InvalidArgument for one of
// another build of this program.
RunState read_state(const std::filesystem::path &file);

}  // namespace halftone::pipeline
