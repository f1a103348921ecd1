// SPDX-License-Identifier: MIT
#include "filesystem/filesystem.h"

#include <algorithm>

#include "filesystem/block_layer.h"
#include "filesystem/ext4.h"
#include "filesystem/stack_frame.h"

namespace fsherald {

std::span<const FilesystemModule> FilesystemModules() {
  static const FilesystemModule kModules[] = {
      Ext4Module(),
  };
  return kModules;
}

const FilesystemModule* FindFilesystemModule(std::string_view type) {
  for (const FilesystemModule& module : FilesystemModules()) {
    if (module.type == type) return &module;
  }
  return nullptr;
}

std::optional<ParsedLog> ParseLog(std::string_view line) {
  for (const FilesystemModule& module : FilesystemModules()) {
    auto begins = [&](std::string_view prefix) { return line.starts_with(prefix); };
    if (std::ranges::none_of(module.log_prefixes, begins)) continue;
    std::optional<LogMessage> message = module.parse_log(line);
    if (!message) return std::nullopt;
    message->filesystem_type = module.type;
    return ParsedLog{&module, std::move(*message)};
  }
  std::optional<LogMessage> message = ParseBlockLayerLine(line);
  if (!message) return std::nullopt;
  return ParsedLog{nullptr, std::move(*message)};
}

std::vector<std::string_view> LogPrefixes() {
  std::vector<std::string_view> prefixes;
  for (const FilesystemModule& module : FilesystemModules()) {
    prefixes.insert(prefixes.end(), module.log_prefixes.begin(), module.log_prefixes.end());
  }
  std::span<const std::string_view> block = BlockLayerPrefixes();
  prefixes.insert(prefixes.end(), block.begin(), block.end());
  return prefixes;
}

bool IsUserLine(std::span<const std::string> stack) {
  return std::ranges::any_of(stack, [](const std::string& frame) { return FrameFunction(frame) == "devkmsg_write"; });
}

}  // namespace fsherald
