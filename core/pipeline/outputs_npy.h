// Outputs of a model over all samples as .npy files, one for each output.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/pipeline/evaluate.h"

namespace halftone::pipeline {

// Written while the samples are evaluated; nothing is held in memory. The files appear at commit(), after finish();
// without it there are none, and a folder that was made for them is gone.
class OutputsNpy {
 public:
  // Makes the folder, whose own folder must exist, and its files NAME.npy. Throws when they cannot be written.
  OutputsNpy(const std::filesystem::path &folder, const std::vector<std::string> &output_names);
  ~OutputsNpy();
  OutputsNpy(const OutputsNpy &) = delete;
  OutputsNpy &operator=(const OutputsNpy &) = delete;

  // The outputs of the next sample. Axis 0 of the file counts samples: an axis 0 of extent 1, the batch of one sample,
  // is not kept besides. Throws when an output has another shape than in the samples before.
  void add(const std::vector<OutputTensor> &outputs);
  // Completes every file under its temporary name: all that can fail.
  void finish();
  void commit();
  // In the order of the outputs.
  const std::vector<std::filesystem::path> &files() const noexcept { return files_; }

 private:
  class Array;
  // Gone again, when it was made here and is still empty, unless it is kept.
  struct Folder {
    ~Folder();
    std::filesystem::path path;
    bool made = false, keep = false;
  };
  Folder folder_;
  std::vector<std::filesystem::path> files_;
  std::vector<std::unique_ptr<Array>> arrays_;
};

// "probs.npy": characters that a file name should not have become '_'; names that become the same get a number.
std::vector<std::string> npy_file_names(const std::vector<std::string> &output_names);

}  // namespace halftone::pipeline
