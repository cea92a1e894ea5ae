// A folder of .npy samples that lives as long as the object.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace halftone::test {

class WrittenSamples {
 public:
  // One sample for each list of values; `shape` without the batch.
  WrittenSamples(const std::vector<std::int64_t> &shape, const std::vector<std::vector<float>> &samples) {
    std::string pattern = (std::filesystem::temp_directory_path() / "halftone-samples-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    std::string header("{'descr': '<f4', 'fortran_order': False, 'shape': (");
    header.append(std::to_string(samples.size())).append(",");
    for (const std::int64_t extent : shape) header.append(" ").append(std::to_string(extent)).append(",");
    header.append("), }");
    header.append(63 - (10 + header.size()) % 64, ' ').push_back('\n');
    std::ofstream out(path(), std::ios::binary);
    out.write("\x93NUMPY\x01\x00", 8);
    const auto size = static_cast<std::uint16_t>(header.size());
    out.write(reinterpret_cast<const char *>(&size), 2);
    out << header;
    for (const std::vector<float> &sample : samples) {
      out.write(reinterpret_cast<const char *>(sample.data()),
                static_cast<std::streamsize>(sample.size() * sizeof(float)));
    }
  }
  ~WrittenSamples() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  WrittenSamples(const WrittenSamples &) = delete;
  WrittenSamples &operator=(const WrittenSamples &) = delete;

  std::string path() const { return (folder_ / "x.npy").string(); }

 private:
  std::filesystem::path folder_;
};

}  // namespace halftone::test
