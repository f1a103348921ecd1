// SPDX-License-Identifier: MIT
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>

#include "cli/damage.h"
#include "cli/demo_filesystem.h"

namespace fsherald {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kImageBytes = 320 << 20;  // sparse; mkfs.xfs takes no less than 300 MB
constexpr uint64_t kSectorBytes = 512;
constexpr uint64_t kInodeMiddle = 8;    // behind magic and mode: a field that is covered by the checksum alone
constexpr uint64_t kBlockMiddle = 200;  // among the entries of a folder

// A folder in the words of mkfs.xfs -p.
void AppendPrototype(const fs::path& folder, std::string& prototype) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory()) {
      prototype += name + " d--755 0 0\n";
      AppendPrototype(entry.path(), prototype);
      prototype += "$\n";
    } else {
      prototype += name + " ---644 0 0 " + entry.path().string() + "\n";
    }
  }
}

Status MakeImage(const std::string& image, const std::string& tree) {
  std::string prototype = "/\n0 0\nd--755 0 0\n";
  AppendPrototype(tree, prototype);
  const std::string path = tree + ".prototype";
  std::ofstream file(path);
  file << prototype << "$\n";
  file.close();
  if (!file) return Error{"write " + path, EIO};
  if (Status made = MakeSparseFile(image, kImageBytes); !made) return made;
  return RunOrFail({"mkfs.xfs", "-q", "-p", path, image});
}

std::vector<std::string> XfsDb(const std::string& image, const char* mode,
                               std::initializer_list<std::string> requests) {
  std::vector<std::string> command{"xfs_db", mode};
  for (const std::string& request : requests) command.insert(command.end(), {"-c", request});
  command.push_back(image);
  return command;
}

// The byte of the image where some requests of xfs_db end.
Result<uint64_t> PlaceOf(const std::string& image, std::initializer_list<std::string> requests) {
  auto output = RunProgram(XfsDb(image, "-r", requests));
  if (!output) return output.error();
  constexpr std::string_view kBefore = "current daddr is ";
  const size_t at = output->text.find(kBefore);
  uint64_t sector = 0;
  if (at != std::string::npos) {
    const char* digits = output->text.data() + at + kBefore.size();
    std::from_chars(digits, output->text.data() + output->text.size(), sector);
  }
  if (sector == 0) return Error{"xfs_db failed: " + output->text};
  return sector * kSectorBytes;
}

Status Make(const std::string& image, const std::string& tree) {
  if (Status made = MakeImage(image, tree); !made) return made;
  // Places first: xfs_db follows no path over a damage.
  auto folder = PlaceOf(image, {"path /holidays", "dblock 0", "daddr"});
  if (!folder) return folder.error();
  auto inode = PlaceOf(image, {"path /letters/anna", "daddr"});
  if (!inode) return inode.error();
  // -d: with a checksum that fits.
  if (Status changed =
          RunOrFail(XfsDb(image, "-x", {"path /music/song.ogg", "write -d u3.bmx[0].startblock 99999999"}));
      !changed)
    return changed;
  if (Status changed = RunOrFail(XfsDb(image, "-x", {"path /mail/inbox", "write -d core.mode 0170644"})); !changed)
    return changed;
  if (Status written = WriteBytes(image, *folder + kBlockMiddle, "B"); !written) return written;
  return WriteBytes(image, *inode + kInodeMiddle, "B");
}

}  // namespace

DemoFilesystem XfsDemo() {
  return {.type = "xfs",
          .mount_options = "",
          .damages = {{
              {"A folder that does not fit its checksum", {"ls", kDemoMountPoint + "/holidays"}},
              {"A file whose inode does not fit its checksum", {"cat", kDemoMountPoint + "/letters/anna"}},
              {"A file that lies beyond the end of the disk", {"cat", kDemoMountPoint + "/music/song.ogg"}},
              {"A file of a kind that does not exist", {"cat", kDemoMountPoint + "/mail/inbox"}},
          }},
          .make = Make,
          .counted = nullptr,
          .counts_all = false};
}

}  // namespace fsherald
