// SPDX-License-Identifier: Apache-2.0
// The TLS contexts towards origins, one for each set of settings. Origins with
// the same settings share one, and so do the configurations before and after a
// reload while the files that it was made from are the same: the system's
// authorities alone take a megabyte and some milliseconds to load, and
// connections that were verified with it may be kept.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "proxy/net/file_stamp.h"
#include "proxy/net/tls_context.h"

namespace gatewhy {

class OriginTlsContexts {
 public:
  // One of the two is there.
  struct Made {
    std::shared_ptr<const OriginTlsContext> context;
    std::optional<TlsFault> fault;
  };

  // Before each configuration: what nobody uses any more goes, and files are
  // looked at again. Reads the disk; one thread at a time, as all of this.
  void beginGeneration();
  [[nodiscard]] Made of(const OriginTls& settings);

 private:
  struct Entry {
    OriginTls settings;
    std::vector<FileStamp> stamps;
    Made made;
  };
  [[nodiscard]] static bool stillGood(Entry& entry);

  std::vector<Entry> entries_;  // few: settings differ less than origins
};

}  // namespace gatewhy
