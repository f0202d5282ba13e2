// SPDX-License-Identifier: Apache-2.0
// What a configuration is read from: the file's tree, with what it includes
// (`include`) and what every origin and route starts from (`defaults`) put in.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/reader.h"
#include "config/yaml_source.h"
#include "diagnostics/result.h"

namespace gatewhy {

// The files that a pattern stands for, in name order, and the content of one.
struct FileAccess {
  // The error says which directory cannot be read, and why.
  std::function<Result<std::vector<std::string>, std::string>(const std::string& pattern)> list;
  std::function<Result<std::string, std::string>(const std::string& path)> read;
};

// Appends what the files named under `include` hold: listeners, origins and
// routes, nothing else. Their nodes know their file, so that problems name it.
void takeIncludes(Reader& reader, YamlNode& root, const FileAccess& files);

// Puts `defaults` into every origin and route, key by key: what one says itself
// stays.
void takeDefaults(Reader& reader, YamlNode& root);

}  // namespace gatewhy
