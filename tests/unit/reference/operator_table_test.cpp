// docs/operators.md says what this build does. HALFTONE_UPDATE_DOCS=1 writes it.
#include "tests/unit/reference/operator_table.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/unit/reference/model_runner.h"

namespace halftone::test {

TEST_CASE("docs/operators.md is up to date") {
  const auto page = operator_page();
  const char *source = std::getenv("HALFTONE_SOURCE_DIR");
  if (!page || source == nullptr) {
    MESSAGE("libonnx-testdata is not installed, or HALFTONE_SOURCE_DIR is not set");
    return;
  }
  const std::filesystem::path file = std::filesystem::path(source) / "docs" / "operators.md";
  if (std::getenv("HALFTONE_UPDATE_DOCS") != nullptr) std::ofstream(file, std::ios::binary) << *page;
  CHECK_MESSAGE(read_bytes(file) == *page, "run: HALFTONE_UPDATE_DOCS=1 ctest -R unit_reference");
}

}  // namespace halftone::test
