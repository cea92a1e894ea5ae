// Writes random cases of operators for ONNX Runtime: operator_cases FOLDER [CASES_EACH]
#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>

#include "tests/acceptance/operators/cases.h"

int main(int argc, char **argv) {
  using namespace halftone::test;
  if (argc < 2) {
    std::fputs("usage: operator_cases FOLDER [CASES_EACH]\n", stderr);
    return 2;
  }
  const int each = argc > 2 ? std::atoi(argv[2]) : 25;
  std::filesystem::create_directories(argv[1]);
  std::vector<Family> families = code_families();
  for (const auto &more : {product_families(), microsoft_families(), onnx_families(), shape_families()}) {
    families.insert(families.end(), more.begin(), more.end());
  }
  int failed = 0;
  std::uint32_t seed = 1;
  for (const Family &family : families) {
    for (int i = 0; i < each; ++i) {
      const std::string name = fmt::format("{}_{:02}", family.name, i);
      try {
        CaseNet net(seed++, family.opset);
        family.make(net);
        net.write(argv[1], name, family.closeness);
      } catch (const std::exception &error) {
        std::fprintf(stderr, "%s: %s\n", name.c_str(), error.what());
        ++failed;
      }
    }
  }
  return failed == 0 ? 0 : 1;
}
