// `halftone merge`: one statistics file from those of several sets of samples.
#include <cstdio>
#include <tuple>

#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/file_lock.h"
#include "core/calibration/statistics_file.h"
#include "core/cli/command.h"
#include "core/cli/statistics_report.h"
#include "core/pipeline/calibrate.h"
#include "core/pipeline/run_files.h"

namespace halftone::cli {

namespace po = boost::program_options;

namespace {

// Which samples went into a file, by executed graph.
using Samples = std::vector<std::tuple<Digest, std::uint64_t, Digest>>;

Samples samples_of(const calibration::StatisticsFile &file) {
  Samples samples;
  for (const calibration::Collected &collected : file.collections) {
    const calibration::Collection &collection = collected.collection;
    if (collection.samples != 0) samples.emplace_back(collection.executed, collection.samples, collection.data);
  }
  return samples;
}

}  // namespace

int command_merge(const std::vector<std::string> &arguments) {
  constexpr const char *kMergeUsage = "FILE.htstats FILE.htstats ... -o FILE.htstats";
  po::options_description options("options");
  options.add_options()("files", po::value<std::vector<std::string>>()->composing()->value_name("FILE"),
                        "statistics of one model over different samples, in the order of the samples")(
      "output,o", po::value<std::string>()->value_name("FILE"), "the statistics of all of them");
  po::positional_options_description positional;
  positional.add("files", -1);
  po::variables_map values;
  if (!parse_arguments("merge", kMergeUsage, options, positional, arguments, values)) return kExitOk;
  const std::vector<std::string> paths = texts_of(values, "files");
  const std::string output = text_of(values, "output");
  if (paths.size() < 2)
    fail(Status::kInvalidArgument, "name at least two files; usage: halftone merge {}", kMergeUsage);
  pipeline::require_statistics_name(output);
  pipeline::RunFiles files;
  for (const std::string &path : paths) files.reads(path, "statistics file");
  files.writes(output);
  files.check();
  const FileLock lock(output);  // a calibration may be writing it, whose result would be lost
  calibration::StatisticsFile all = calibration::read_statistics(paths.front());
  std::vector<Samples> taken = {samples_of(all)};
  for (std::size_t i = 1; i < paths.size(); ++i) {
    const calibration::StatisticsFile next = calibration::read_statistics(paths[i]);
    taken.push_back(samples_of(next));
    for (std::size_t k = 0; k < i; ++k) {
      if (taken[k] == taken[i] && !taken[i].empty())
        fail(Status::kFailedPrecondition, "'{}' and '{}' are of the same samples, which would count twice", paths[k],
             paths[i]);
    }
    try {
      calibration::merge(all, next);
    } catch (const Error &error) {
      fail(error.status(), "'{}' cannot be joined with '{}'{}: {}", paths[i], paths.front(),
           i > 1 ? " and those before it" : "", error.message());
    }
  }
  if (all.executors.size() > 1) {
    std::fprintf(stderr,
                 "halftone: warning: these were computed by different executors or processors (%s); each alone gives "
                 "slightly other values\n",
                 fmt::format("{}", fmt::join(all.executors, "; ")).c_str());
  }
  write_file_atomically(output, calibration::to_bytes(all));
  return kExitOk;
}

}  // namespace halftone::cli
