// SPDX-License-Identifier: MIT
// How long it takes to find whose a block of an ext4 is, and then the path of that file: an image in memory with 100,000
// files of one block each in 1,000 directories. A free block is the worst: all inodes are looked at.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "figures.h"
#include "filesystem/ext4_owner.h"
#include "filesystem/ext4_walk.h"

namespace {

using namespace fsherald;
using namespace fsherald::bench;
using std::chrono::steady_clock;
namespace files = std::filesystem;

constexpr int kDirectories = 1000;
constexpr int kFiles = 100;  // in each
constexpr uint64_t kBlock = 4096;
constexpr uint64_t kImageBytes = uint64_t{1} << 30;
constexpr int kRounds = 21;

// The image, in a new directory in memory that goes with it.
class Image {
 public:
  Image() {
    std::string name = "/dev/shm/fsherald_owner.XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::exit(1);
    directory_ = name;
    for (int d = 0; d < kDirectories; ++d) {
      const std::string directory = fmt::format("{}/tree/{}", directory_, d);
      files::create_directories(directory);
      for (int f = 0; f < kFiles; ++f) std::ofstream(fmt::format("{}/{}", directory, f)) << "one block";
    }
    const std::string make = fmt::format(
        "PATH=$PATH:/sbin:/usr/sbin; cd {} && mke2fs -q -F -t ext4 -b {} -N 120000 -d tree "
        "image {}k",
        directory_, kBlock, kImageBytes / 1024);
    if (std::system(make.c_str()) != 0) std::exit(1);
  }
  ~Image() { files::remove_all(directory_); }
  std::string path() const { return directory_ + "/image"; }

 private:
  std::string directory_;
};

double MillisecondsSince(steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(steady_clock::now() - begin).count();
}

SectorOwner Measure(const Image& image, const char* what, uint64_t block) {
  Figures ms;
  OwnerResult result;
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = steady_clock::now();
    result = FindExt4Owner(image.path(), {block * kBlock, kBlock}, begin + std::chrono::minutes(1)).value();
    ms.Add(MillisecondsSince(begin));
  }
  fmt::print("  {:<44} {}\n", what, Words(ms));
  return result.owner.value_or(SectorOwner{});
}

}  // namespace

int main() {
  const Image image;
  fmt::print("whose a block of an ext4 with {} files is, ms\n", kDirectories * kFiles);
  // Nearly the last block that is a file's own; mke2fs fills the image from the front.
  uint64_t block = kImageBytes / kBlock / 2;
  while (!FindExt4Owner(image.path(), {block * kBlock, kBlock}, steady_clock::time_point::max()).value().owner)
    block -= 512;
  const SectorOwner owner = Measure(image, "of a file, one of the last that were written", block);
  Measure(image, "of nobody: all inodes are looked at", kImageBytes / kBlock - 1);
  Measure(image, "of the file system itself", 1);
  Figures ms;
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = steady_clock::now();
    const auto found = FindExt4Path(image.path(), owner.inode, begin + std::chrono::minutes(1)).value();
    if (!found.path) std::exit(1);
    ms.Add(MillisecondsSince(begin));
  }
  fmt::print("  {:<44} {}\n", "the path of that file, by the walk", Words(ms));
  return 0;
}
