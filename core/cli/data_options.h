// The options that name data, shared by the commands: PATH or INPUT=PATH, preprocessing, limits, threads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "core/pipeline/pipeline_spec.h"

namespace halftone::cli {

// --preprocess, --reader, --limit, --batch, --threads, --memory-budget, --on-bad-sample.
void add_data_options(boost::program_options::options_description &options);

// A whole number without sign; throws InvalidArgument with the range, where it is none from `low` to `high`.
std::uint64_t whole_number(const boost::program_options::variables_map &values, const char *name, std::int64_t deflt,
                           std::int64_t low, std::int64_t high);

// Whether an argument that may name a model names a pipeline file, by its ending.
bool is_pipeline_file(const std::string &path);

// INPUT=PATH names the model input; a file whose own name has '=' in it is taken as it is.
pipeline::InputSpec input_spec(const std::string &text);

// `paths` are the values of --calibration or --data.
pipeline::DataSpec data_spec(const boost::program_options::variables_map &values,
                             const std::vector<std::string> &paths);

}  // namespace halftone::cli
