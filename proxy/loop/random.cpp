// SPDX-License-Identifier: Apache-2.0
#include "proxy/loop/random.h"

#include <random>

namespace gatewhy {

Random Random::seeded() {
  std::random_device device;
  std::array<std::uint64_t, kWords> seed{};
  for (std::uint64_t& word : seed) {
    word = (std::uint64_t{device()} << 32) | device();
  }
  seed[0] |= 1;
  return Random(seed);
}

}  // namespace gatewhy
