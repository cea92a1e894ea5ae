#include "core/pipeline/pipeline_shape.h"

#include "core/pipeline/fusion_spec.h"

namespace halftone::pipeline {
namespace {

using Keys = std::vector<Shape::Key>;
using shape::either;
using shape::integer;
using shape::meaning;
using shape::not_empty;
using shape::text;

Shape name_of(const char *kind) {
  return meaning(kind, text());
}

Shape a_file() {
  return not_empty(text(), "name a file");
}

Shape platform() {
  return either({name_of(kPlatformName), shape::map_of(shape::map_of(text()))});
}

// Where the samples of one model input are.
Keys input_keys(bool path_required) {
  return {
      {"reader", name_of(kReaderName), "who reads the samples; guessed from the path when left out"},
      {"reader_settings", shape::map_of(shape::any()), "parameters of the reader"},
      {"path", not_empty(text(), "name a file or a folder of samples"), "a file or a folder of samples", path_required},
      {"preprocess", meaning(kPreprocess, either({text(), shape::map_of(shape::any())})),
       "from a stored sample to what the model takes: the keys, or a YAML or JSON file that holds them"}};
}

// The keys in the order in which messages list them.
Shape samples(const char *labels_doc, bool calibration) {
  Keys input = input_keys(false);
  Keys keys = {input[0],
               input[1],
               input[2],
               {"inputs",
                not_empty(shape::map_of(meaning(kSampleInput, shape::map(input_keys(true)))),
                          "write each input with its `path`"),
                "for a model with several inputs, instead of `path`: the data of each input by its name"},
               {"labels", a_file(), labels_doc},
               input[3]};
  if (calibration) {
    keys.push_back({"statistics", a_file(),
                    "a file that `halftone calibrate` wrote: its statistics are used, and the samples are not read"});
    keys.push_back({"batch", integer(1, 1 << 20), "samples that travel together; never changes a result"});
  }
  keys.push_back({"sample_axis", shape::choice({"first", "none"}),
                  "none: the array of a file is one sample, and none of its axes counts samples"});
  keys.push_back({"feedback", shape::map_of(text()),
                  "outputs and the inputs that they become in the next frame, {stateN: state}: samples are sequences"});
  keys.push_back({"sequence_axis", integer(0, 15), "the axis of a sample along which its frames follow each other"});
  keys.push_back({"limit", integer(0, std::int64_t{1} << 40), "at most so many samples; 0: all"});
  keys.push_back({"threads", integer(0, 1024), "workers, 0: all cores; never changes a result"});
  if (calibration)
    keys.push_back(
        {"memory_budget", shape::size(),
         "what the whole process may hold, such as 2GiB; a run that needs more is refused before it begins"});
  if (!calibration)
    keys.push_back({"mode", shape::choice({"simulated", "integer"}),
                    "how the quantized model is computed; simulated when left out"});
  keys.push_back({"on_bad_sample", shape::choice(kBadSamples), "what to do with a sample that cannot be used"});
  return meaning(kSampleInput, shape::map(std::move(keys)));
}

Shape pass_list() {
  return meaning(kPassList, shape::list(either({text(), shape::map_of(shape::any())})));
}

Shape node_match() {
  return not_empty(
      shape::map({{"op", text(), "an operator type"}, {"node", text(), "a pattern for names of nodes: /layer3/*"}}),
      "write {node: \"*\"} for every node");
}

Shape dispatch() {
  const Shape row = shape::map({{"match", node_match(), "which nodes the row is about", true},
                                {"to", shape::choice(kVerdicts), "quantize, float, or soi: shapes and indices", true}});
  return either(
      {dispatcher_shape(),
       shape::map(
           {{"method", dispatcher_shape(), "which nodes may be quantized; the platform's when left out"},
            {"table", shape::list(row), "exceptions, the last match wins; a row that matches nothing is an error"}})});
}

Shape overrides() {
  const char *what = "it takes state, observer, bits and symmetry";
  const Shape changes =
      not_empty(shape::map({{"state", shape::choice(kOverrideStates), "fp32: leave it in float"},
                            {"observer", name_of(kObserverName), "who finds the range"},
                            {"observer_parameters", shape::map_of(text()), "parameters of that observer"},
                            {"bits", integer(2, 32), "width of the integers"},
                            {"symmetry", shape::choice(kOverrideSymmetries), "whether the range is centred on zero"}}),
                what);
  Shape slots = changes;  // for all of them, and below its number for one
  slots.each = std::make_shared<const Shape>(changes);
  slots.other_keys = kSlotNumber;
  slots.other_keys_called = "the number of a slot";
  slots.when_empty = "it takes state, observer, bits and symmetry, or the number of a slot with these below it";
  return shape::list(
      shape::map({{"match", node_match(), "which nodes the rule is about", true},
                  {"set",
                   not_empty(shape::map({{"inputs", slots, "of every quantized input, or by slot number"},
                                         {"outputs", slots, "of every quantized output, or by slot number"},
                                         {"activations", changes, "of inputs and outputs that a run computes"},
                                         {"weights", changes, "of inputs that are stored, but biases and limits"},
                                         {"bias", changes, "of biases"}}),
                             kOverrideParts),
                   "what changes", true}}));
}

Shape exports() {
  Shape entry = shape::map_of(shape::any());  // the exporter's own parameters, checked against its schema
  entry.keys = {{"format", name_of(kExporterName), "an exporter, onnx-qdq when left out"},
                {"path", a_file(), "the file to write", true}};
  return shape::list(meaning(kExportEntry, std::move(entry)));
}

Shape trust() {
  return either({shape::choice(kTrustLevels), shape::map_of(shape::choice(kTrustLevels))});
}

Shape make_pipeline() {
  return shape::map(
      {{"halftone", integer(kPipelineVersion, kPipelineVersion), "version of the file format, now 1", true},
       {"model", a_file(), "the float ONNX model", true},
       {"platform", platform(), "the target, or the target with choices for its settings below its name"},
       {"calibration", samples("class numbers (.npy): the run ends with an evaluation on these samples", true),
        "the samples from which ranges are found"},
       {"evaluate", samples("class numbers (.npy) of the samples", false),
        "samples on which the float and the quantized model are compared"},
       {"executor", name_of(kExecutorName), "what computes during calibration, onednn when left out"},
       {"trainer", name_of(kTrainerName), "what computes gradients for passes that train, native when left out"},
       {"passes", pass_list(), "the passes in order; the platform's own when left out"},
       {"trust", trust(),
        "how passes, exporters and readers are run, all of them or each by its name (`default`: the others)"},
       {"on_plugin_failure", shape::choice(kPluginFailures), "stop: the run ends; skip: it goes on without the pass"},
       {"plugin_timeout", integer(0, kLongestSilence),
        "seconds that an isolated plug-in may be silent, 300 when left out; 0: for ever"},
       {"reproducer", not_empty(text(), "name a folder"), "the folder that is written when a pass fails"},
       {"state", a_file(), "the state of a run to go on from instead of the model, from such a folder"},
       {"dispatch", dispatch(), "which nodes may be quantized: a dispatcher, or a dispatcher with exceptions"},
       {"fusions", fusions_shape(), "patterns that the device computes as one operator, before those of the platform"},
       {"overrides", overrides(), "exceptions, the last match wins; a rule without effect is an error"},
       {"export", exports(), "the files to write"},
       {"configs_out", a_file(), "every quantization config as JSON, to this file"},
       {"report", a_file(), "an HTML page about the run, to this file"},
       {"artefacts", not_empty(text(), "name a folder"), "the folder for files that passes leave about what they did"},
       {"observer", name_of(kObserverName), "one observer for every activation"}});
}

Shape make_preset() {
  return shape::map(
      {{"halftone-preset", integer(kPresetVersion, kPresetVersion), "version of the file format, now 1", true},
       {"doc", text(), "what it is for"},
       {"platform", platform(), "the target, unless another is named"},
       {"passes", pass_list(), "the passes in order"},
       {"observer", name_of(kObserverName), "one observer for every activation"}});
}

}  // namespace

Shape dispatcher_shape() {
  return shape::choice({"conservative", "pplnn", "aggressive", "pointwise", "allin", "perseus"});
}

const Shape &pipeline_shape() {
  static const Shape made = make_pipeline();
  return made;
}

const Shape &preset_shape() {
  static const Shape made = make_preset();
  return made;
}

}  // namespace halftone::pipeline
