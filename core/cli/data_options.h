// The options that name data, shared by the commands: PATH or INPUT=PATH, preprocessing, limits, threads.
#pragma once

#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "core/pipeline/pipeline_spec.h"

namespace halftone::cli {

// --preprocess, --reader, --limit, --batch, --threads, --memory-budget, --on-bad-sample.
void add_data_options(boost::program_options::options_description &options);

// `paths` are the values of --calibration or --data.
pipeline::DataSpec data_spec(const boost::program_options::variables_map &values,
                             const std::vector<std::string> &paths);

}  // namespace halftone::cli
