// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over the files of a corpus folder.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "require.h"

int main(int argc, char** argv) {
  int files = 0;
  for (int argument = 1; argument < argc; ++argument) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(argv[argument], error)) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
      std::fprintf(stderr, "%s\n", entry.path().c_str());
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
      ++files;
    }
  }
  std::printf("%d inputs\n", files);
  return files == 0 ? 1 : 0;
}
