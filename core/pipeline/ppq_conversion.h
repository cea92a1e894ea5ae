// From a setting of PPQ to a pipeline of ours that means the same, as far as there is a counterpart; what has none is
// told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/registry.h"
#include "core/pipeline/platform_descriptor.h"
#include "core/pipeline/ppq_setting.h"

namespace halftone::pipeline {

// Where the pipeline will run.
struct PpqTarget {
  std::optional<PlatformDescriptor> platform;  // none: still to be named
  std::string_view named;                      // as PPQ calls it; empty for a platform of ours
  bool alike = false;                          // the platform is made to compare with PPQ: passes decide as PPQ's do
  std::int64_t batch = 32;                     // samples in a batch of PPQ's calibration
  bool batch_given = false;
  std::optional<std::vector<std::string>> nodes;  // of the model, where it is known
};

// `name`: of PPQ or of ours. Throws InvalidArgument for one that is neither, or that has no counterpart.
PpqTarget ppq_target(const host::Registry &registry, const std::string &name, bool exact,
                     std::vector<std::string> &warnings);

struct ConvertedPass {
  std::string id;
  Setting settings;                   // null, or a map of parameters
  std::string counterpart;            // PPQ's pass; empty for a pass that PPQ does not have
  std::vector<std::string> comments;  // what a reader should know
  bool live = true;                   // otherwise it is written as a comment
};

struct ConvertedRow {
  std::string node;
  std::string to;       // float, quantize, soi
  std::string comment;  // why it is not live
  bool live = true;
};

struct PpqConversion {
  std::vector<std::string> comments;  // on the whole
  std::string dispatcher;
  bool dispatch_key = false;     // this build has `dispatch:`; otherwise rows become overrides
  bool row_match = false;        // rows of its table have `match:` as overrides have, otherwise `node:`
  bool dispatcher_live = false;  // the method is written; otherwise it is what happens anyway, or a comment
  std::vector<ConvertedPass> passes;
  std::vector<ConvertedRow> rows;
  std::vector<std::string> warnings;
};

// Parameters are checked against the passes of the registry: InvalidArgument with the place in PPQ's file for a value
// that a pass does not take.
PpqConversion convert_ppq(const PpqSetting &setting, const PpqTarget &target, const host::Registry &registry);

// The part of it that is about the dispatcher and its table.
void convert_dispatch(const PpqSetting &setting, const PpqTarget &target, PpqConversion &out);

// What a pipeline file says besides; paths as they are to be written.
struct PipelineHead {
  std::string title;  // the first comment
  std::string model, preprocess, output, configs;
  struct Samples {
    std::string input, path;
  };
  std::vector<Samples> samples;
};
std::string pipeline_text(const PpqConversion &conversion, const PpqTarget &target, const PipelineHead &head);

}  // namespace halftone::pipeline
