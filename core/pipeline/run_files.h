// The files that a run reads and those that it writes: none of the first may be lost, and no two of the second may be
// one file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/setting.h"
#include "core/host/registry.h"
#include "core/pipeline/pipeline_spec.h"

namespace halftone::pipeline {

class RunFiles {
 public:
  // `what` says in messages which file it is: "input model". An empty path is no file.
  void reads(const std::filesystem::path &path, std::string what);
  void reads(const std::vector<std::filesystem::path> &paths, const std::string &what);
  // Samples, labels and the files that say how samples are preprocessed.
  void reads(const DataSpec &data);
  // Plug-ins and platform descriptors, wherever they were found.
  void reads(const host::Registry &registry);
  void writes(const std::filesystem::path &path, const Location &where = {});
  // A model, and the file beside it that its weights go to when they are large.
  void writes_model(const std::filesystem::path &path, const Location &where = {});

  // Throws InvalidArgument when an output is an input under this or another name, when it replaces a file of a folder
  // of samples, or when two outputs are one file. May be called again when more files are known.
  void check() const;

 private:
  struct Input {
    std::filesystem::path path;
    std::string what;
    bool samples;  // a folder counts with everything in it
  };
  struct Output {
    std::filesystem::path path;
    std::string note;  // ", where large weights of 'a.onnx' go"
    Location where;
  };
  std::vector<Input> inputs_;
  std::vector<Output> outputs_;
};

}  // namespace halftone::pipeline
