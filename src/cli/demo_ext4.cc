// SPDX-License-Identifier: MIT
#include <fstream>

#include "cli/damage.h"
#include "cli/demo_filesystem.h"

namespace fsherald {
namespace {

constexpr uint64_t kImageBytes = 16 << 20;

// Of debugfs(8), one for each damage. The first entry behind "." and ".." of a folder begins at byte 24, its length at 28.
const std::vector<std::string> kRequests{
    "zap_block -f /photos -o 28 -l 2 -p 0 0",
    "sif /letters/anna block[0] 0x1234",
    "sif /music mode 0xff",
    "sif /mail/inbox links_count 0",
};

Status Make(const std::string& image, const std::string& tree) {
  if (Status made = MakeExt4Image(image, kImageBytes, tree); !made) return made;
  return ChangeExt4Image(image, kRequests);
}

uint64_t Counted(const std::string& device) {
  uint64_t count = 0;
  std::ifstream("/sys/fs/ext4/" + device + "/errors_count") >> count;
  return count;
}

}  // namespace

DemoFilesystem Ext4Demo() {
  return {.type = "ext4",
          .mount_options = "errors=continue",
          .damages = {{
              {"A folder in which an entry has no length", {"ls", kDemoMountPoint + "/photos"}},
              {"A file whose list of blocks has no head", {"cat", kDemoMountPoint + "/letters/anna"}},
              {"A folder of a kind that does not exist", {"ls", "-l", kDemoMountPoint + "/music"}},
              {"A deleted file that still has its name", {"cat", kDemoMountPoint + "/mail/inbox"}},
          }},
          .make = Make,
          .counted = Counted,
          .counts_all = true};
}

}  // namespace fsherald
