// Runs a pipeline with progress on standard error and the summary on standard output: what `run` and `quantize` share.
#pragma once

#include <string>

#include <boost/program_options.hpp>

#include "core/host/registry.h"
#include "core/pipeline/pipeline_spec.h"

namespace halftone::cli {

struct RunOptions {
  bool quiet = false;
  bool dry_run = false;  // check everything and print the plan
  std::string json;      // figures as JSON to this file
};

// --trust, --on-plugin-failure, --plugin-timeout and --reproducer.
void add_plugin_options(boost::program_options::options_description &options);
// Those and --dry-run, --json and --quiet.
void add_run_options(boost::program_options::options_description &options);
// The plug-in options, which go before what a file says.
void read_plugin_options(const boost::program_options::variables_map &values, pipeline::PipelineSpec &spec);
RunOptions run_options(const boost::program_options::variables_map &values);

int run_pipeline(const host::Registry &registry, pipeline::PipelineSpec spec, const RunOptions &options);

}  // namespace halftone::cli
