// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/port_printer.h"

#include <gtest/gtest.h>

#include <utility>

namespace gatewhy::test {

PortPrinter::PortPrinter(const ChildOptions& options) {
  auto child = ChildProcess::start(
      options,
      [this](const std::string& line) {
        const std::lock_guard lock(mutex_);
        ++lines_[line];
        port_ = port_.empty() ? line : port_;
        said_.notify_all();
      },
      [this] {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        said_.notify_all();
      });
  EXPECT_TRUE(child) << (child ? "" : child.error());
  child_ = child ? std::move(child).value() : nullptr;
}

std::string PortPrinter::port() {
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(said_.wait_for(lock, kPatience, [this] { return !port_.empty() || ended_ || !child_; }));
  EXPECT_FALSE(port_.empty());
  return port_;
}

bool PortPrinter::awaitLine(const std::string& line) {
  std::unique_lock lock(mutex_);
  return said_.wait_for(lock, kPatience, [&] { return lines_[line] != 0; });
}

}  // namespace gatewhy::test
