// SPDX-License-Identifier: MIT
#include <filesystem>
#include <fstream>

#include "cli/btrfs_tree.h"
#include "cli/damage.h"
#include "cli/demo_filesystem.h"

namespace fsherald {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kImageBytes = 192 << 20;  // sparse
constexpr uint64_t kLeafMiddle = 2000;
constexpr const char* kScribble = "ZZZZZZZZ";

// Everything in two copies; small leaves, so that each holds a few files only.
Status MakeImage(const std::string& image, const std::string& tree) {
  if (Status made = MakeSparseFile(image, kImageBytes); !made) return made;
  return RunOrFail({"mkfs.btrfs", "-q", "-m", "dup", "-d", "dup", "-n", "4096", "--rootdir", tree, image});
}

Result<std::string> Dump(const std::string& image, const std::string& tree) {
  auto output = RunProgram({"btrfs", "inspect-internal", "dump-tree", "-t", tree, image});
  if (!output) return output.error();
  if (output->exit_code != 0) return Error{"btrfs inspect-internal failed: " + output->text};
  return std::move(output->text);
}

// Scribbles over the first copies of what lies at a logical address.
Status Damage(const std::string& image, const BtrfsTree& tree, std::optional<uint64_t> logical, uint64_t offset,
              size_t copies) {
  const std::vector<uint64_t> places = logical ? tree.CopiesOf(*logical) : std::vector<uint64_t>();
  if (places.size() < copies) return Error{"cannot find what to damage in the btrfs image"};
  for (size_t i = 0; i < copies; ++i)
    if (Status written = WriteBytes(image, places[i] + offset, kScribble); !written) return written;
  return {};
}

Status Make(const std::string& image, const std::string& folder) {
  if (Status made = MakeImage(image, folder); !made) return made;
  auto files = Dump(image, "5");
  if (!files) return files.error();
  auto chunks = Dump(image, "chunk");
  if (!chunks) return chunks.error();
  const BtrfsTree tree(std::move(*files), std::move(*chunks));
  if (Status done = Damage(image, tree, tree.ExtentOf("letters/anna"), 0, 2); !done) return done;
  if (Status done = Damage(image, tree, tree.ExtentOf("music/song.ogg"), 0, 1); !done) return done;
  // In the middle of the folder, from either end: the first leaf and the last are read by the mount itself.
  if (Status done = Damage(image, tree, tree.LeafOf("holidays/day_12.jpg"), kLeafMiddle, 1); !done) return done;
  return Damage(image, tree, tree.LeafOf("holidays/day_31.jpg"), kLeafMiddle, 2);
}

// The sum of the device's stats: "write_errs 0" and so on, a line each.
uint64_t Counted(const std::string& device) {
  std::error_code code;
  for (const fs::directory_entry& filesystem : fs::directory_iterator("/sys/fs/btrfs", code)) {
    if (!fs::exists(filesystem.path() / "devices" / device, code)) continue;
    std::ifstream stats(filesystem.path() / "devinfo/1/error_stats");
    uint64_t sum = 0, value = 0;
    for (std::string name; stats >> name >> value;) sum += value;
    return sum;
  }
  return 0;
}

}  // namespace

DemoFilesystem BtrfsDemo() {
  const std::string days = kDemoMountPoint + "/holidays/";
  return {.type = "btrfs",
          .mount_options = "",
          .damages = {{
              {"A file of which both copies are damaged", {"cat", kDemoMountPoint + "/letters/anna"}},
              {"A file of which one copy is damaged", {"cksum", kDemoMountPoint + "/music/song.ogg"}},
              {"Names and places of some files, of which one copy is damaged", {"ls", "-l", days + "day_12.jpg"}},
              {"The same of others, of which both copies are", {"ls", "-l", days + "day_31.jpg"}},
          }},
          .make = Make,
          .counted = Counted,
          .counts_all = false};  // not the blocks of its trees that do not fit their checksums
}

}  // namespace fsherald
